"""Deleting a meeting through the gateway."""

import pytest
from pydantic import SecretStr
from scripted_meeting import MEETING, SHARDS

from common.settings import AccessSettings, TokenSettings
from common.streams.audit import AuditLog, traceless
from common.streams.client import Client
from common.streams.erasure import Erasure
from common.tokens import Scope

pytestmark = pytest.mark.integration
URL = f"/v1/meetings/{MEETING.id}"
READER, ADMIN = "reader-0123456789abcd", "admin-0123456789abcdef"
ACCESS = AccessSettings(
    tokens=(
        TokenSettings(scopes=(Scope.READ,), token=SecretStr(READER)),
        TokenSettings(scopes=(Scope.ADMIN,), token=SecretStr(ADMIN)),
    )
)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_who_administers_deletes_and_it_is_written_down(redis: Client, run_gateway, standup) -> None:
    async with run_gateway(access=ACCESS) as client:
        assert (await client.delete(URL, headers=bearer(READER))).status_code == 403
        for _ in range(2):
            answer = await client.delete(URL, headers=bearer(ADMIN))
            assert (answer.status_code, answer.json()["state"]) == (202, "deleting")
        for rest in ("", "/transcript", "/events", "/keywords"):
            assert (await client.get(URL + rest, headers=bearer(READER))).status_code == 404
        assert (await client.get("/v1/meetings", headers=bearer(READER))).json()["meetings"] == []
    (entry,) = [entry async for entry in AuditLog(redis).entries()]
    assert (entry.action, entry.subject) == ("meeting.delete", traceless(MEETING))
    assert entry.actor.startswith("default/")
    assert MEETING.id not in entry.subject
    assert await Erasure(redis, SHARDS).under_way() == [MEETING]


async def test_an_unknown_meeting_is_not_found(gateway) -> None:
    assert (await gateway.delete("/v1/meetings/nowhere")).status_code == 404
