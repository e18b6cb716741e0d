"""A tenant never sees anything of another, by any route and any reader: a walk over all of them.

A new route fails `test_every_route_is_walked` until it has a line in ROUTES, and a new reader of
results until it has one in READERS.
"""

import inspect
from collections.abc import AsyncIterator, Iterator
from enum import Enum

import httpx
import pytest
import websockets
from fastapi.routing import APIRoute
from pydantic import SecretStr
from scripted_meeting import SHARDS, meeting_results
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from common.identity import Meeting
from common.settings import AccessSettings, TokenSettings
from common.streams.audio_log import AudioLog
from common.streams.bots import Bot, BotLog
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger
from common.streams.result_log import ResultLog
from common.streams.subscriptions import SubscriptionStore
from common.tokens import Scope
from common.webhooks import Delivery, Subscription
from workers.gateway.app import build_app

VICTIM = Meeting("umbrella", "standup")
STRANGER = Meeting("acme", "standup")
ABSENT = "missing"
HOOK, NO_HOOK = "wh_umbrella", "wh_absenttt"
SECRETS = ("Bob Okoro", "Good morning everyone", "u-mei", "umbrella", "whsec_", HOOK, "msg_umbrella")
TOKENS = {"acme": "acme-token-0123456789", "umbrella": "other-token-0123456789"}
ACCESS = AccessSettings(
    tokens=tuple(
        TokenSettings(tenant=t, scopes=tuple(Scope), token=SecretStr(text)) for t, text in TOKENS.items()
    )
)


class Kind(Enum):
    """What a route is about."""

    THING = "names something of a tenant: for others it does not exist"
    ACT = "the same, and changes it"
    OWN = "lists what the token's tenant has"
    MAKE = "makes something for the token's tenant"
    DEPLOYMENT = "tells of the deployment, for tokens with the scope `operate`"
    PUBLIC = "tells nothing of anybody, to anybody"


M, W = "/v1/meetings/{meeting_id}", "/v1/webhooks/{webhook_id}"
ROUTES = {
    "GET /v1/meetings": Kind.OWN,
    "POST /v1/meetings": Kind.MAKE,
    f"GET {M}": Kind.THING,
    f"DELETE {M}": Kind.ACT,
    f"GET {M}/transcript": Kind.THING,
    f"GET {M}/transcript.json": Kind.THING,
    f"GET {M}/transcript.{{extension}}": Kind.THING,
    f"GET {M}/keywords": Kind.THING,
    f"GET {M}/sentiment": Kind.THING,
    f"GET {M}/highlights": Kind.THING,
    f"GET {M}/results": Kind.THING,
    f"GET {M}/events": Kind.THING,
    f"WEBSOCKET {M}/live": Kind.THING,
    f"GET {M}/report": Kind.THING,
    f"GET {M}/report.{{extension}}": Kind.THING,
    f"POST {M}/report": Kind.ACT,
    f"PUT {M}/reference": Kind.ACT,
    f"GET {M}/bot": Kind.THING,
    f"DELETE {M}/bot": Kind.ACT,
    f"POST {M}/say": Kind.ACT,
    f"DELETE {M}/say": Kind.ACT,
    "GET /v1/webhooks": Kind.OWN,
    "POST /v1/webhooks": Kind.MAKE,
    f"GET {W}": Kind.THING,
    f"PATCH {W}": Kind.ACT,
    f"DELETE {W}": Kind.ACT,
    f"POST {W}/secret": Kind.ACT,
    f"POST {W}/test": Kind.ACT,
    f"POST {W}/enable": Kind.ACT,
    f"POST {W}/disable": Kind.ACT,
    f"GET {W}/deliveries": Kind.THING,
    f"GET {W}/deliveries/{{delivery_id}}": Kind.THING,
    f"POST {W}/deliveries/{{delivery_id}}/redeliver": Kind.ACT,
    f"POST {W}/redeliver": Kind.ACT,
    "GET /v1/pulse": Kind.OWN,
    "GET /v1/operations": Kind.DEPLOYMENT,
    "GET /metrics": Kind.DEPLOYMENT,
    "GET /v1/schemas": Kind.PUBLIC,
    "GET /v1/schemas/{name}": Kind.PUBLIC,
    "GET /healthz": Kind.PUBLIC,
    "GET /readyz": Kind.PUBLIC,
    "GET /": Kind.PUBLIC,
    "GET /docs": Kind.PUBLIC,
    "GET /openapi.json": Kind.PUBLIC,
    "GET /page": Kind.PUBLIC,
}
READERS = {
    "meeting": "of one meeting",
    "history": "of one meeting",
    "meetings": "of one tenant",
    "heard": "of one tenant",
    "tails": "positions only",
    "follow": "of a shard: workers.gateway.tailer hands its results to the readers of their meeting alone",
    "range": "of a shard: workers.gateway.feed.past leaves out what is not of the meeting",
    "entry": "of a shard: for the delivery of a result to its own tenant's webhook",
}
BODIES: dict[str, dict[str, object]] = {
    "POST /v1/meetings": {"json": {"meeting_link": "https://meet.example/a-b-c", "meeting": VICTIM.id}},
    "POST /v1/webhooks": {"json": {"url": "https://acme.example/hook"}},
    f"PATCH {W}": {"json": {"description": "mine now"}},
    f"POST {W}/secret": {"json": {}},
    f"POST {M}/say": {"json": {"text": "hello"}},
    f"PUT {M}/reference": {"json": {"text": "hello"}},
}


def served() -> set[str]:
    """Every route of the gateway's application."""
    return {line for route in build_app(None).routes for line in _lines(route)}  # type: ignore[arg-type]  # not asked


def _lines(route: BaseRoute) -> Iterator[str]:
    if isinstance(route, APIRoute | Route):
        yield from (f"{method} {route.path}" for method in (route.methods or ()) - {"HEAD"})
    elif isinstance(route, WebSocketRoute):
        yield f"WEBSOCKET {route.path}"
    elif isinstance(route, Mount):
        yield f"GET {route.path}"
    elif (router := getattr(route, "original_router", None)) is not None:  # as newer FastAPI includes it
        yield from (line for inner in router.routes for line in _lines(inner))
    else:
        yield f"UNKNOWN {route!r}"


def of(*kinds: Kind) -> list[str]:
    return sorted(line for line, kind in ROUTES.items() if kind in kinds and line in served())


def filled(path: str, meeting: str = VICTIM.id, hook: str = HOOK, delivery: str = "msg_umbrella") -> str:
    values = {
        "meeting_id": meeting,
        "webhook_id": hook,
        "delivery_id": delivery,
        "extension": "md",
        "name": "status",
    }
    return path.format(**values)


async def ask(client: httpx.AsyncClient, line: str, tenant: str, path: str = "") -> httpx.Response:
    """The answer to a route; of one that goes on, as much as comes at once."""
    method, pattern = line.split(" ", 1)
    path = path or filled(pattern)
    headers = {"Authorization": f"Bearer {TOKENS[tenant]}"} if tenant else {}
    if method == "WEBSOCKET":
        return await _ask_socket(client, path, headers)
    request = client.build_request(method, path, headers=headers, **BODIES.get(line, {}))  # type: ignore[arg-type]
    response = await client.send(request, stream=True)
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        await response.aclose()
    else:
        await response.aread()
        await response.aclose()
    return response


async def _ask_socket(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    url = f"ws://{client.base_url.netloc.decode()}{path}"
    try:
        async with websockets.connect(url, additional_headers=headers) as socket:
            return httpx.Response(200, text=str(await socket.recv()))
    except websockets.InvalidStatus as refused:
        return httpx.Response(refused.response.status_code, content=bytes(refused.response.body or b""))


def text_of(response: httpx.Response) -> str:
    return response.text if response.is_stream_consumed or (response.is_closed and _is_read(response)) else ""


def _is_read(response: httpx.Response) -> bool:
    try:
        response.content  # noqa: B018  # raises where it was not read
    except httpx.ResponseNotRead:
        return False
    return True


@pytest.fixture
async def client(redis: Client, run_gateway, publish) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with a meeting, a bot and a webhook of the victim's."""
    await publish(meeting_results(VICTIM))
    await BotLog(redis, SHARDS).claim(
        Bot(meeting=VICTIM, id="b-umbrella", name="Notes", request="r", asked_at_ms=1)
    )
    hook = Subscription(
        id=HOOK, tenant=VICTIM.tenant, url="https://umbrella.example/h", created_at_ms=1,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )  # fmt: skip
    await SubscriptionStore(redis).create(hook, most=9)
    delivery = Delivery(
        id="msg_umbrella", event="transcript.final", meeting=VICTIM.id, shard=VICTIM.shard(SHARDS),
        entry="1-1", made_at_ms=1, since_ms=1,
    )  # fmt: skip
    await DeliveryLedger(redis).record([(HOOK, delivery)], most_waiting=9)
    async with run_gateway(access=ACCESS) as gateway:
        yield gateway


def test_every_route_is_walked() -> None:
    assert served() - ROUTES.keys() == set(), "say in ROUTES what these are about"


@pytest.mark.integration
@pytest.mark.parametrize("line", of(Kind.THING, Kind.ACT))
async def test_what_another_tenant_has_does_not_exist(client: httpx.AsyncClient, line: str) -> None:
    pattern = line.split(" ", 1)[1]
    absent = filled(pattern, ABSENT, NO_HOOK, "msg_absenttt")
    stranger = await ask(client, line, "acme")
    nothing = await ask(client, line, "acme", absent)
    assert stranger.status_code == nothing.status_code == 404, stranger
    names = ((VICTIM.id, ABSENT), (HOOK, NO_HOOK), ("msg_umbrella", "msg_absenttt"))
    expected = nothing.text
    for there, missing in names:
        expected = expected.replace(missing, there)
    assert stranger.text == expected
    assert (await ask(client, line, "")).status_code == 401


@pytest.mark.integration
@pytest.mark.parametrize("line", of(Kind.THING))
async def test_its_owner_has_it(client: httpx.AsyncClient, line: str) -> None:
    assert (await ask(client, line, VICTIM.tenant)).status_code in {200, 202}


@pytest.mark.integration
async def test_nothing_a_stranger_does_changes_it(redis: Client, client: httpx.AsyncClient) -> None:
    async def state() -> object:
        webhook = await SubscriptionStore(redis).get(HOOK)
        page = await DeliveryLedger(redis).page(HOOK, state=None, after="", limit=9)
        disabled = await SubscriptionStore(redis).disabled(HOOK)
        return (
            await ResultLog(redis, SHARDS).history(VICTIM),
            webhook,
            page,
            disabled,
            (await BotLog(redis, SHARDS).find(VICTIM)),
        )

    before = await state()
    for line in of(Kind.ACT, Kind.MAKE):
        await ask(client, line, "acme")
    assert await state() == before
    assert await ResultLog(redis, SHARDS).meeting(VICTIM) is not None


@pytest.mark.integration
@pytest.mark.parametrize("line", of(Kind.OWN, Kind.MAKE, Kind.DEPLOYMENT, Kind.PUBLIC))
async def test_nothing_of_it_is_in_what_others_read(client: httpx.AsyncClient, line: str) -> None:
    is_public = ROUTES[line] is Kind.PUBLIC
    assert (await ask(client, line, "")).status_code in ({200, 307, 404} if is_public else {401})
    answer = await ask(client, line, "acme")
    found = [secret for secret in SECRETS if secret in answer.text]
    if line == "POST /v1/webhooks":
        found.remove("whsec_")  # the maker's own, shown once
    assert found == ([] if not is_public else [s for s in found if s == "whsec_"])


@pytest.mark.integration
async def test_a_stranger_with_a_meeting_of_the_same_name_gets_their_own(
    client: httpx.AsyncClient, log: AudioLog
) -> None:
    await log.start_meeting(STRANGER, 1)
    for line in of(Kind.THING):
        if "{meeting_id}" in line and "/bot" not in line:
            answer = await ask(client, line, "acme")
            assert not [secret for secret in SECRETS if secret in text_of(answer)], line
    async with client.stream(
        "GET", "/v1/meetings/standup/events", headers={"Authorization": f"Bearer {TOKENS['acme']}"}
    ) as response:
        lines = response.aiter_lines()
        data = [line async for line in _until_quiet(lines)]
    assert [line for line in data if any(secret in line for secret in SECRETS)] == []


async def _until_quiet(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The past of a meeting ends with an id alone."""
    seen_data = False
    async for line in lines:
        yield line
        seen_data = seen_data or line.startswith("data")
        if seen_data and line.startswith("id"):
            return


def test_every_reader_of_results_is_known() -> None:
    methods = {
        name for name, _ in inspect.getmembers(ResultLog, inspect.isfunction) if not name.startswith("_")
    }
    assert methods == READERS.keys(), "say in READERS whose results these read"


@pytest.mark.integration
async def test_readers_of_a_meeting_or_tenant_read_nothing_else(redis: Client, publish) -> None:
    await publish(meeting_results(VICTIM))
    results = ResultLog(redis, SHARDS)
    stranger = next(
        m for n in range(200) if (m := Meeting("acme", f"m{n}")).shard(SHARDS) == VICTIM.shard(SHARDS)
    )
    await publish(meeting_results(stranger))
    assert {r.meeting for r in await results.history(stranger)} == {stranger}
    assert await results.meeting(Meeting("acme", VICTIM.id)) is None
    assert [record.meeting for record in await results.meetings("acme")] == [stranger]
    assert [record.meeting for record in (await results.heard("acme", limit=9)).records] == [stranger]
