import asyncio
from contextlib import aclosing

import httpx
import pytest
import websockets
from live_readers import read_socket, take
from scripted_meeting import meeting_results

from common.identity import Meeting
from common.settings import AccessSettings, TokenSettings
from common.streams.client import Client
from common.streams.tokens import TokenStore
from common.tokens import Scope

TOKENS = {"acme": "acme-token-0123456789", "umbrella": "umbrella-token-0123456789"}
ACCESS = AccessSettings(
    tokens=tuple(TokenSettings(tenant=t, token=text) for t, text in TOKENS.items())  # type: ignore[arg-type]
)
PATHS = ["", "/transcript", "/transcript.vtt", "/keywords", "/sentiment", "/highlights", "/events"]


def bearer(tenant: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[tenant]}"}


@pytest.fixture
async def secured(run_gateway, publish):
    await publish(meeting_results(Meeting("acme", "standup")))
    async with run_gateway(access=ACCESS) as client:
        yield client


@pytest.mark.integration
@pytest.mark.parametrize("path", PATHS)
async def test_a_tenant_sees_its_own_meetings_only(secured: httpx.AsyncClient, path: str) -> None:
    url = "/v1/meetings/standup" + path
    assert (await secured.get(url)).status_code == 401
    assert (await secured.get(url, headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await secured.get(url, headers=bearer("umbrella"))).status_code == 404
    async with secured.stream("GET", url, headers=bearer("acme")) as response:
        assert response.status_code == 200


@pytest.mark.integration
async def test_lists_hold_own_meetings_only(secured: httpx.AsyncClient) -> None:
    found = {tenant: (await secured.get("/v1/meetings", headers=bearer(tenant))).json() for tenant in TOKENS}
    assert [m["meeting"] for m in found["acme"]["meetings"]] == ["standup"]
    assert found["umbrella"]["meetings"] == []


@pytest.mark.integration
async def test_browsers_pass_the_token_in_the_address(secured: httpx.AsyncClient) -> None:
    url = "/v1/meetings/standup"
    assert (await secured.get(url, params={"access_token": TOKENS["acme"]})).status_code == 200
    assert (await secured.get(url, params={"access_token": TOKENS["umbrella"]})).status_code == 404
    with pytest.raises(websockets.InvalidStatus, match="401"):
        await take(read_socket(secured, f"{url}/live"), 1)
    async with aclosing(read_socket(secured, f"{url}/live", token=TOKENS["acme"])) as events:
        assert [event.type for event in await take(events, 1)] == ["status"]


@pytest.mark.integration
async def test_pages_of_other_sites_cannot_read_meetings_of_this_machine(gateway, standup) -> None:
    url = "/v1/meetings"
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert (await gateway.get(url, headers=headers)).status_code == 403
    for origin in ("http://localhost:3000", "http://[::1]:8780"):
        assert (await gateway.get(url, headers={"Origin": origin})).status_code == 200
    socket = f"ws://{gateway.base_url.netloc.decode()}/v1/meetings/standup/live"
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await websockets.connect(socket, origin="https://evil.example")


@pytest.mark.integration
async def test_a_reader_whose_token_is_revoked_gets_nothing_more(redis: Client, run_gateway, publish) -> None:
    results = meeting_results(Meeting("acme", "standup"))
    await publish(results)
    text, token = await TokenStore(redis).create("acme", frozenset({Scope.READ}))
    async with run_gateway(heartbeat_s=0.2) as client:
        headers = {"Authorization": f"Bearer {text}"}
        async with (
            asyncio.timeout(20),
            client.stream("GET", "/v1/meetings/standup/events", headers=headers) as response,
        ):
            lines = response.aiter_lines()
            async for line in lines:
                if line.startswith("event: status"):
                    await TokenStore(redis).revoke(token.id)
                    break
            assert [line async for line in lines if line.startswith("event: revoked")]
        assert (await client.get("/v1/meetings", headers=headers)).status_code == 401


@pytest.mark.integration
async def test_a_token_does_what_its_scopes_say_and_no_more(redis: Client, run_gateway, publish) -> None:
    await publish(meeting_results(Meeting("acme", "standup")))
    text, _ = await TokenStore(redis).create("acme", frozenset({Scope.INGEST, Scope.ADMIN}))
    async with run_gateway() as client:
        answer = await client.get("/v1/meetings/standup", headers={"Authorization": f"Bearer {text}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "this needs read" in answer.json()["error"]["message"]
