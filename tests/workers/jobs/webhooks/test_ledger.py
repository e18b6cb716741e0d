"""The ledger's rules, each by itself."""

import asyncio
from dataclasses import replace

import pytest

from common.identity import Meeting
from common.streams.deliveries import DeliveryLedger, Rest, Turn
from common.webhooks import Delivery, Health
from tests.kit import eventually

pytestmark = pytest.mark.integration
LEASE_MS = 60_000


def delivery(number: int, meeting: str = "weekly") -> Delivery:
    return Delivery(
        id=f"msg_{number}", event="keyword", meeting=meeting, shard=0, entry=f"{number}-0",
        made_at_ms=number, since_ms=number,
    )  # fmt: skip


async def assigned(ledger: DeliveryLedger, lease_ms: int = LEASE_MS) -> list[Turn]:
    return await ledger.assign(most=10, lease_ms=lease_ms)


@pytest.fixture
async def webhook(subscribe) -> str:
    return (await subscribe("https://example.org/")).id


async def test_the_same_delivery_is_put_down_once(ledger, webhook) -> None:
    pairs = [(webhook, delivery(1)), (webhook, delivery(2))]
    assert await ledger.record(pairs, most_waiting=10) == (2, 0)
    assert await ledger.record([*pairs, (webhook, delivery(3))], most_waiting=10) == (1, 0)


async def test_one_that_was_delivered_does_not_wait_again_by_a_replay(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    await ledger.settle(webhook, replace(delivery(1), state="delivered"), retry_ms=0, most_kept=10)
    assert await ledger.record([(webhook, delivery(1))], most_waiting=10) == (0, 0)
    assert (await ledger.standing(webhook)).waiting == 0


async def test_unknown_and_disabled_subscriptions_take_nothing(ledger, store, webhook) -> None:
    await store.disable(webhook, "for a test")
    pairs = [(webhook, delivery(1)), ("wh_gone", delivery(2))]
    assert await ledger.record(pairs, most_waiting=10) == (0, 0)
    assert await assigned(ledger) == []


async def test_a_turn_is_assigned_once_and_begun_once(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (turn,) = await assigned(ledger)
    assert await assigned(ledger) == []
    assert await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS) == Health()
    assert await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS) is None


async def test_results_that_come_during_a_turn_lead_to_no_second_one(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (turn,) = await assigned(ledger)
    await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS)
    await ledger.record([(webhook, delivery(2))], most_waiting=10)
    assert await assigned(ledger) == []
    claimed = await ledger.claim(webhook, turn.number, count=10, lease_ms=LEASE_MS)
    assert [each.id for each in claimed] == ["msg_1", "msg_2"]


async def test_what_comes_after_the_last_look_of_a_turn_has_the_next_one(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (turn,) = await assigned(ledger)
    await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS)
    (claimed,) = await ledger.claim(webhook, turn.number, count=10, lease_ms=LEASE_MS)
    await ledger.settle(webhook, replace(claimed, state="delivered"), retry_ms=0, most_kept=10)
    await ledger.record([(webhook, delivery(2))], most_waiting=10)
    await ledger.end(webhook, turn.number, Rest(Health()))
    (following,) = await assigned(ledger)
    assert following.number == turn.number + 1


async def test_a_turn_whose_job_got_lost_is_assigned_again_and_begun_once(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (turn,) = await assigned(ledger, lease_ms=1)
    await eventually("assigned again", lambda: _is_assigned(ledger, turn))
    assert await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS) is not None
    assert await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS) is None


async def _is_assigned(ledger: DeliveryLedger, turn: Turn) -> bool:
    return await assigned(ledger) == [turn]


async def test_a_turn_whose_process_died_goes_to_another_and_the_first_may_no_more(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (dead,) = await assigned(ledger)
    await ledger.begin(webhook, dead.number, lease_ms=LEASE_MS)
    assert len(await ledger.claim(webhook, dead.number, count=1, lease_ms=1)) == 1
    await asyncio.sleep(0.005)
    (turn,) = await assigned(ledger)
    assert turn.number == dead.number + 1
    assert await ledger.claim(webhook, dead.number, count=1, lease_ms=LEASE_MS) == []
    await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS)
    (again,) = await ledger.claim(webhook, turn.number, count=1, lease_ms=LEASE_MS)
    assert again == delivery(1)


async def test_a_resting_receiver_has_no_turn_until_it_is_woken(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(1))], most_waiting=10)
    (turn,) = await assigned(ledger)
    await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS)
    (claimed,) = await ledger.claim(webhook, turn.number, count=1, lease_ms=LEASE_MS)
    await ledger.settle(webhook, claimed, retry_ms=0, most_kept=10)
    await ledger.end(webhook, turn.number, Rest(Health(failures=3), ms=60_000))
    await ledger.record([(webhook, delivery(2))], most_waiting=10)
    assert await assigned(ledger) == []
    await ledger.wake(webhook)
    (turn,) = await assigned(ledger)
    assert await ledger.begin(webhook, turn.number, lease_ms=LEASE_MS) == Health()


async def test_only_so_many_finished_ones_are_kept(ledger, webhook) -> None:
    await ledger.record([(webhook, delivery(n)) for n in range(20)], most_waiting=100)
    for n in range(20):
        state = "dead" if n % 2 else "delivered"
        await ledger.settle(webhook, replace(delivery(n), state=state), retry_ms=0, most_kept=3)
    kept = {each.id for each in await ledger.page(webhook, state=None, after="", limit=100)}
    assert kept == {f"msg_{n}" for n in range(14, 20)}


async def test_deliveries_go_with_their_time_whatever_their_state(ledger, webhook, redis) -> None:
    await ledger.record([(webhook, delivery(n)) for n in range(3)], most_waiting=100)
    await ledger.settle(webhook, replace(delivery(1), state="dead"), retry_ms=0, most_kept=9)
    assert await ledger.expire(webhook, keep_ms=60_000) == 0
    assert await ledger.expire(webhook, keep_ms=-1000) == 3
    assert sorted(await redis.keys(f"*:{webhook}")) == []


async def test_nothing_of_a_meeting_is_left_when_it_is_forgotten(ledger, store, webhook, redis) -> None:
    await ledger.record([(webhook, delivery(n, f"meeting-{n % 2}")) for n in range(6)], most_waiting=100)
    await ledger.settle(webhook, replace(delivery(1, "meeting-1"), state="dead"), retry_ms=0, most_kept=9)
    assert await ledger.forget([webhook], Meeting("default", "meeting-1")) == 3
    kept = await ledger.page(webhook, state=None, after="", limit=10)
    assert {each.meeting for each in kept} == {"meeting-0"}
    assert (await ledger.standing(webhook)).dead == 0
    await store.delete(webhook)
    assert await redis.keys(f"*:{webhook}") == []


async def test_changes_at_the_same_time_do_not_undo_each_other(store, webhook) -> None:
    async def add(event: str) -> None:
        await store.update(webhook, lambda now: replace(now, events=(*now.events, event)))

    await asyncio.gather(*(add(event) for event in ("keyword", "status", "highlight")))
    changed = await store.get(webhook)
    assert set(changed.events) == {"transcript.final", "keyword", "status", "highlight"}
