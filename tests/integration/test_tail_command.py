"""`hubbub tail`, as a person and a script read it."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from common.identity import Meeting, Speaker
from common.results import Highlight, Transcript, to_json
from common.settings import RedisSettings
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.deployment import join_deployment
from tests.kit import SHARDS

pytestmark = pytest.mark.integration

SAID = Transcript(
    id="u1/transcript/final", tenant="default", meeting="weekly", track="ann", speaker=Speaker("ann", "Ann"),
    utterance="u1", start_ms=65_000, end_ms=66_000, status="final", text="I'll send it.\x1b[2J", stable="",
)  # fmt: skip
PROMISED = Highlight(
    id="u1/highlight", tenant="default", meeting="weekly", track="ann", speaker=Speaker("ann", "Ann"),
    utterance="u1", start_ms=65_000, end_ms=66_000, kind="action_item", text="I'll send it.", owner="Ann",
    due="by Friday",
)  # fmt: skip


@pytest.fixture
async def told(redis: Client) -> None:
    """Results of two meetings."""
    await join_deployment(redis, SHARDS)
    log = AudioLog(redis, SHARDS, 1000)
    await log.start_meeting(Meeting("default", "weekly"), 1)
    for result in (SAID, PROMISED, replace(SAID, meeting="other")):
        await log.publish(result)


def lines(redis_settings: RedisSettings, count: int, *options: str) -> list[str]:
    """The first lines that the command prints, which it does for ever."""
    command = [sys.executable, "-m", "common", "tail", "--redis", redis_settings.url.get_secret_value()]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=os.environ) as tail:
        assert tail.stdout is not None
        try:
            return [tail.stdout.readline().rstrip("\n") for _ in range(count)]
        finally:
            tail.kill()


@pytest.mark.usefixtures("told")
def test_what_was_said_and_promised_is_a_line_each(redis_settings: RedisSettings) -> None:
    shown = lines(redis_settings, 1, "--from", "0", "--meeting", "weekly", "--type", "transcript")
    assert shown == ["01:05 weekly Ann: [final] I'll send it. [2J"]
    [promised] = lines(redis_settings, 1, "--from", "0", "--type", "highlight")
    assert promised == "01:05 weekly Ann: action item: I'll send it. (owner Ann, due by Friday)"


@pytest.mark.usefixtures("told")
def test_scripts_get_the_results_as_they_lie_on_the_stream(redis_settings: RedisSettings) -> None:
    shown = lines(redis_settings, 2, "--from", "0", "--type", "transcript", "--json")
    assert set(shown) == {to_json(result).decode() for result in (SAID, replace(SAID, meeting="other"))}


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "yesterday"], "entry id 'yesterday'"),
        (["--type", "transcrip"], "type 'transcrip': want one of activity, transcript"),
        (["--meeting", "a/b"], "meeting id 'a/b'"),
    ],
)
def test_what_cannot_be_followed_is_one_clear_error(
    redis_settings: RedisSettings, options: list[str], complaint: str
) -> None:
    command = [sys.executable, "-m", "common", "tail", "--redis", redis_settings.url.get_secret_value()]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith(f"hubbub: {complaint}")
    assert "Traceback" not in done.stderr
