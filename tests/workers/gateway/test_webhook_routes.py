import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from common.settings import AccessSettings, TokenSettings
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger, Rest
from common.streams.subscriptions import SubscriptionStore
from common.webhooks import Attempt, Delivery, Health
from tests.kit import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]
URL = "https://example.org/hook"


def delivery(number: int, meeting: str = "standup") -> Delivery:
    return Delivery(
        id=f"msg_{number}",
        event="transcript.final",
        meeting=meeting,
        shard=0,
        entry=f"{number}-0",
        made_at_ms=number,
        since_ms=number,
    )


async def create(client: httpx.AsyncClient, **changes: object) -> dict:
    response = await client.post("/v1/webhooks", json={"url": URL, **changes})
    assert response.status_code == 201, response.text
    made: dict = response.json()
    return made


@pytest.fixture
def ledger(redis: Client) -> DeliveryLedger:
    return DeliveryLedger(redis)


async def settle(ledger: DeliveryLedger, webhook: str, number: int, state: str) -> None:
    """As if a worker had tried it once."""
    attempt = Attempt(at_ms=1, took_ms=2, status=200, error="" if state == "delivered" else "status 500")
    settled = replace(delivery(number), state=state, tries=1, attempts=(attempt,))
    await ledger.settle(webhook, settled, retry_ms=0, most_kept=100)


async def test_the_secret_is_shown_once(gateway: httpx.AsyncClient) -> None:
    made = await create(gateway, events=["transcript.final", "keyword"], meetings=["weekly-*"])
    assert made["secret"].startswith("whsec_")
    seen = (await gateway.get(f"/v1/webhooks/{made['id']}")).json()
    assert seen == {**made, "secret": None}
    assert (await gateway.get("/v1/webhooks")).json() == {"webhooks": [seen]}


async def test_changes_leave_the_rest_alone(gateway: httpx.AsyncClient) -> None:
    made = await create(gateway, description="ours")
    path = f"/v1/webhooks/{made['id']}"
    changed = (await gateway.patch(path, json={"phrases": ["next slide"], "enabled": False})).json()
    assert (changed["phrases"], changed["description"]) == (["next slide"], "ours")
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "disabled by request")
    assert (await gateway.patch(path, json={"enabled": True})).json()["enabled"] is True
    assert (await gateway.delete(path)).status_code == 204
    assert (await gateway.get(path)).json()["error"]["code"] == "unknown_webhook"


async def test_a_replaced_secret_signs_along_for_a_while(gateway, redis) -> None:
    made = await create(gateway)
    renewed = (await gateway.post(f"/v1/webhooks/{made['id']}/secret")).json()
    kept = await SubscriptionStore(redis).get(made["id"])
    assert kept is not None
    assert kept.secrets(renewed["old_until_ms"] - 1) == (renewed["secret"], made["secret"])
    assert kept.secrets(renewed["old_until_ms"]) == (renewed["secret"],)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://example.org/hook"},
        {"url": "https://127.0.0.1/hook"},
        {"url": "https://2130706433/hook"},
        {"url": "https://[::ffff:10.0.0.1]/hook"},
        {"url": "https://169.254.169.254/latest/meta-data"},
        {"url": "https://user:word@example.org/"},
        {"url": "https://example.org/#here"},
        {"url": "ftp://example.org/"},
        {"url": "nonsense"},
        {"url": URL, "events": ["transcript.finals"]},
        {"url": URL, "events": []},
        {"url": URL, "secret": "guess-me"},
        {"url": URL, "secret": "whsec_c2hvcnQ="},
        {"url": URL, "format": "xml"},
        {"url": URL, "unknown": 1},
    ],
)
async def test_what_cannot_work_is_refused(gateway: httpx.AsyncClient, wrong: dict) -> None:
    response = await gateway.post("/v1/webhooks", json=wrong)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid"
    assert (await gateway.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_a_tenant_has_so_many_at_most(gateway, redis) -> None:
    store = SubscriptionStore(redis)
    await create(gateway)
    (first,) = await store.of_tenant("default")
    for number in range(49):
        await store.create(replace(first, id=f"wh_{number}"), most=100)
    response = await gateway.post("/v1/webhooks", json={"url": URL})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "too_many_webhooks")


async def test_history_comes_in_pages_and_by_state(gateway, ledger) -> None:
    made = await create(gateway)
    await ledger.record([(made["id"], delivery(n)) for n in range(5)], most_waiting=100)
    for number, state in ((0, "delivered"), (1, "dead"), (2, "dead")):
        await settle(ledger, made["id"], number, state)
    path = f"/v1/webhooks/{made['id']}/deliveries"
    pages, after = [], ""
    while after is not None:
        page = (await gateway.get(path, params={"limit": 2, "after": after})).json()
        pages.append([each["id"] for each in page["deliveries"]])
        after = page["next"]
    assert sorted(itertools.chain(*pages)) == [f"msg_{n}" for n in range(5)]
    assert [len(page) for page in pages] == [2, 2, 1]
    dead = (await gateway.get(path, params={"state": "dead"})).json()["deliveries"]
    assert {each["id"] for each in dead} == {"msg_1", "msg_2"}
    assert dead[0]["attempts"][0]["error"] == "status 500"
    assert (await gateway.get(f"/v1/webhooks/{made['id']}")).json()["deliveries"] == {
        "waiting": 2, "delivered": 1, "dead": 2, "dropped": 0,
    }  # fmt: skip


async def test_finished_ones_can_be_sent_again(gateway, ledger) -> None:
    made = await create(gateway)
    await ledger.record([(made["id"], delivery(n)) for n in range(3)], most_waiting=100)
    for number, state in ((0, "delivered"), (1, "dead")):
        await settle(ledger, made["id"], number, state)
    path = f"/v1/webhooks/{made['id']}"
    again = await gateway.post(f"{path}/deliveries/msg_0/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert (await gateway.post(f"{path}/deliveries/msg_0/redeliver")).status_code == 409
    assert (await gateway.post(f"{path}/redeliver")).json() == {"repeated": 1}
    assert (await ledger.standing(made["id"])).waiting == 3


async def test_a_test_says_what_came_of_it(gateway, ledger) -> None:
    made = await create(gateway)

    async def waits() -> object:
        return (await ledger.standing(made["id"])).waiting == 1

    async def work() -> None:
        await eventually("a test waits", waits)
        (turn,) = await ledger.assign(most=1, lease_ms=1000)
        assert await ledger.begin(made["id"], turn.number, lease_ms=1000) is not None
        (sent,) = await ledger.claim(made["id"], turn.number, count=1, lease_ms=1000)
        attempt = Attempt(at_ms=1, took_ms=2, status=404, error="status 404: not here")
        await ledger.settle(made["id"], replace(sent, attempts=(attempt,)), retry_ms=0, most_kept=10)
        await ledger.end(made["id"], turn.number, Rest(Health(failures=1, last_error=attempt.error)))

    working = asyncio.create_task(work())
    outcome = (await gateway.post(f"/v1/webhooks/{made['id']}/test")).json()
    await working
    assert (outcome["event"], outcome["attempts"][0]["status"]) == ("test", 404)
    assert (await gateway.get(f"/v1/webhooks/{made['id']}")).json()["last_error"] == "status 404: not here"


async def test_a_disabled_one_cannot_be_tested(gateway) -> None:
    made = await create(gateway, enabled=False)
    response = await gateway.post(f"/v1/webhooks/{made['id']}/test")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")


TOKENS = {
    "acme": "acme-admin-0123456789",
    "umbrella": "umbrella-admin-0123456789",
    "reader": "acme-reader-0123456789",
}


@pytest.fixture
async def guarded(run_gateway) -> AsyncIterator[httpx.AsyncClient]:
    tokens = (
        TokenSettings(tenant="acme", token=TOKENS["acme"], scopes=("admin",)),
        TokenSettings(tenant="umbrella", token=TOKENS["umbrella"], scopes=("admin",)),
        TokenSettings(tenant="acme", token=TOKENS["reader"], scopes=("read",)),
    )
    async with run_gateway(access=AccessSettings(tokens=tokens)) as client:
        yield client


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test"),
        ("POST", "/redeliver"),
        ("GET", "/deliveries"), ("GET", "/deliveries/msg_1"), ("POST", "/deliveries/msg_1/redeliver"),
    ],
)  # fmt: skip
async def test_nobody_else_gets_at_them(guarded: httpx.AsyncClient, ledger, method: str, path: str) -> None:
    made = (await guarded.post("/v1/webhooks", json={"url": URL}, headers=bearer("acme"))).json()
    await ledger.record([(made["id"], delivery(1))], most_waiting=10)
    url = f"/v1/webhooks/{made['id']}{path}"
    json = {} if method == "PATCH" else None
    foreign = await guarded.request(method, url, headers=bearer("umbrella"), json=json)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "unknown_webhook")
    assert (await guarded.request(method, url, headers=bearer("reader"), json=json)).status_code == 403
    assert (await guarded.request(method, url, json=json)).status_code == 401
    assert (await guarded.get("/v1/webhooks", headers=bearer("umbrella"))).json() == {"webhooks": []}
