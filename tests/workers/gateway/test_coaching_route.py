"""A text to be read aloud reaches the stage that compares."""

import pytest
from scripted_meeting import MEETING, SHARDS

from common.streams.deployment import enable_pool
from common.streams.result_log import ResultLog

pytestmark = pytest.mark.integration
ADDRESS = "/v1/meetings/standup/reference"


async def test_it_is_a_result_of_the_meeting(gateway, redis, standup) -> None:
    await enable_pool(redis, "coaching")
    answer = await gateway.put(ADDRESS, json={"text": "The quick brown fox.", "speaker": "u-ann"})
    assert answer.status_code == 200, answer.text
    *_, last = await ResultLog(redis, SHARDS).history(MEETING)
    stored = last.decoded()
    assert (stored.type, stored.text, stored.speaker.id) == ("reference", "The quick brown fox.", "u-ann")
    assert answer.json()["id"] == stored.id


async def test_where_nobody_would_listen_it_is_refused(gateway, standup) -> None:
    answer = await gateway.put(ADDRESS, json={"text": "The quick brown fox."})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_enabled")
    assert "hubbub pools enable coaching" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"text": "x" * 50_001}, {"text": "x", "voice": "y"}])
async def test_what_is_no_text_is_refused(gateway, standup, body: dict) -> None:
    assert (await gateway.put(ADDRESS, json=body)).status_code == 400


async def test_an_unknown_meeting_is_said(gateway) -> None:
    assert (await gateway.put("/v1/meetings/nobody/reference", json={"text": "x"})).status_code == 404
