import asyncio
import time

import orjson
import pytest
from conftest import final
from receivers import Receiver, Request, hang, hang_up, receiving, say, say_ok

from common.streams.deliveries import DeliveryLedger
from common.webhooks import Delivery, State
from tests.kit import eventually

pytestmark = pytest.mark.integration


async def until_received(receiver: Receiver, count: int, within_s: float = 60) -> None:
    async def holds() -> object:
        return len(set(receiver.ids())) >= count or len(receiver.requests)

    await eventually(f"{count} webhooks", holds, within_s)


async def until_settled(
    ledger: DeliveryLedger, subscription: str, state: State, count: int
) -> list[Delivery]:
    async def holds() -> object:
        standing = await ledger.standing(subscription)
        return getattr(standing, state) == count or standing

    await eventually(f"{count} {state}", holds, 60)
    return await ledger.page(subscription, state=state, after="", limit=count)


async def test_results_reach_who_subscribed_to_them(working, publish, subscribe, ledger) -> None:
    async with receiving() as receiver, working():
        subscription = await subscribe(receiver.url, meetings=("week*",))
        await publish(final(1), final(2), final(3, meeting="other"), final(4, tenant="acme"))
        await until_settled(ledger, subscription.id, "delivered", 2)
    bodies = [orjson.loads(request.body) for request in receiver.requests]
    assert {body["data"]["text"] for body in bodies} == {"Sentence 1.", "Sentence 2."}
    assert {body["type"] for body in bodies} == {"transcript.final"}
    assert len(set(receiver.ids())) == 2


async def test_what_was_said_before_the_subscription_is_not_sent(working, publish, subscribe) -> None:
    await publish(final(1))
    await asyncio.sleep(0.005)  # the clock of stream ids counts milliseconds
    async with receiving() as receiver:
        await subscribe(receiver.url)
        await publish(final(2))
        async with working():
            await until_received(receiver, 1)
    assert [orjson.loads(request.body)["data"]["id"] for request in receiver.requests] == ["u2/final"]


async def test_failures_are_tried_again_with_the_same_key(working, publish, subscribe, ledger) -> None:
    answers = iter([say(500, body="oops"), hang_up, hang])

    async def fail_first(request: Request, writer: asyncio.StreamWriter) -> None:
        await next(answers, say_ok)(request, writer)

    async with receiving(fail_first) as receiver, working():
        subscription = await subscribe(receiver.url)
        await publish(final(1))
        (delivery,) = await until_settled(ledger, subscription.id, "delivered", 1)
    assert receiver.ids() == [delivery.id] * 4
    assert len({request.body for request in receiver.requests}) == 1
    assert [attempt.status for attempt in delivery.attempts] == [500, None, None, 200]
    assert delivery.attempts[0].error == "status 500: oops"
    assert "within 1.5 s" in delivery.attempts[2].error


async def test_after_the_last_attempt_it_is_a_dead_letter_that_can_be_sent_again(
    working, publish, subscribe, ledger
) -> None:
    async with receiving(say(503)) as receiver, working(max_attempts=3):
        subscription = await subscribe(receiver.url)
        await publish(final(1))
        (dead,) = await until_settled(ledger, subscription.id, "dead", 1)
        receiver.answer = say_ok
        assert await ledger.again(subscription.id, [dead], now_ms=dead.made_at_ms) == 1
        (delivered,) = await until_settled(ledger, subscription.id, "delivered", 1)
    assert receiver.ids() == [dead.id] * 4
    assert delivered.id == dead.id


async def test_one_that_is_gone_gets_nothing_more(working, publish, subscribe, store, ledger) -> None:
    async with receiving(say(410)) as receiver, working():
        subscription = await subscribe(receiver.url)
        await publish(final(1))
        await until_settled(ledger, subscription.id, "dead", 1)

        async def is_disabled() -> object:
            return await store.disabled(subscription.id) is not None

        await eventually("disabled", is_disabled)
        await publish(final(2))
        async with receiving() as other:
            await subscribe(other.url)
            await publish(final(3))
            await until_received(other, 1)
        disabled = await store.disabled(subscription.id)
    assert disabled is not None
    assert "410" in disabled.reason
    assert len(receiver.requests) == 1


async def test_one_that_fails_for_long_is_disabled_and_says_why(
    working, publish, subscribe, store, ledger
) -> None:
    async with receiving(say(500, body="no database")) as receiver, working(disable_after_s=1):
        subscription = await subscribe(receiver.url)
        await publish(*(final(n) for n in range(5)))

        async def is_disabled() -> object:
            return await store.disabled(subscription.id) is not None

        await eventually("disabled", is_disabled, 60)
        disabled = await store.disabled(subscription.id)
        assert disabled is not None
        assert "no delivery succeeded" in disabled.reason
        assert "status 500" in disabled.reason
        assert (await ledger.standing(subscription.id)).waiting == 5
        receiver.answer = say_ok
        await store.enable(subscription.id)
        await ledger.wake(subscription.id)
        await until_settled(ledger, subscription.id, "delivered", 5)


async def test_hanging_receivers_hold_up_nobody_else(working, publish, subscribe, ledger) -> None:
    async with receiving(hang) as stuck, receiving() as good, working(timeout_s=12):
        hanging = [await subscribe(stuck.url) for _ in range(30)]
        await publish(final(0))
        await until_received(stuck, 30)
        subscription = await subscribe(good.url)
        await publish(*(final(n) for n in range(1, 41)))
        await until_settled(ledger, subscription.id, "delivered", 40)
        still_at_it = [await ledger.page(each.id, state="waiting", after="", limit=100) for each in hanging]
    assert len(good.requests) == 40
    assert not any(delivery.attempts for waiting in still_at_it for delivery in waiting)


async def test_however_many_hang_others_have_their_turn(working, publish, subscribe, ledger) -> None:
    async with receiving(hang) as stuck, receiving() as good, working(turns=2, timeout_s=0.5):
        for _ in range(10):
            await subscribe(stuck.url)
        await publish(final(0))
        await until_received(stuck, 2)
        subscription = await subscribe(good.url)
        await publish(*(final(n) for n in range(1, 21)))
        await until_settled(ledger, subscription.id, "delivered", 20)


async def test_a_slow_receiver_gets_several_at_once(working, publish, subscribe, ledger) -> None:
    at_once, most = 0, 0

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.3)
        at_once -= 1
        await say_ok(request, writer)

    async with receiving(slow) as receiver:
        subscription = await subscribe(receiver.url)
        await publish(*(final(n) for n in range(12)))
        async with working(concurrency=4):
            await until_settled(ledger, subscription.id, "delivered", 12)
    assert most == 4
    assert receiver.connections <= 6  # they are kept


async def test_when_too_many_wait_the_rest_is_dropped_and_counted(
    working, publish, subscribe, ledger
) -> None:
    async with receiving(hang) as receiver:
        subscription = await subscribe(receiver.url)
        await publish(*(final(n) for n in range(15)))
        async with working(max_waiting=10):
            await until_received(receiver, 1)
            standing = await ledger.standing(subscription.id)
    assert (standing.waiting, standing.dropped) == (10, 5)


async def test_a_delivery_whose_result_is_gone_is_a_dead_letter(
    redis, working, publish, subscribe, ledger
) -> None:
    async with receiving(say(500)) as receiver, working(retry_min_s=0.5, retry_max_s=0.5):
        subscription = await subscribe(receiver.url)
        await publish(final(1))
        await until_received(receiver, 1)
        for shard in range(4):
            await redis.xtrim(f"hb:{{{shard}}}:results", maxlen=0)
        (dead,) = await until_settled(ledger, subscription.id, "dead", 1)
    assert dead.attempts[-1].error == "the result is no longer kept"


async def test_a_receiver_that_asks_for_time_gets_it(working, publish, subscribe, ledger) -> None:
    moments: list[float] = []

    async def busy(request: Request, writer: asyncio.StreamWriter) -> None:
        moments.append(time.monotonic())
        await (say(429, "Retry-After: 2") if len(moments) == 1 else say_ok)(request, writer)

    async with receiving(busy) as receiver, working():
        subscription = await subscribe(receiver.url)
        await publish(final(1))
        await until_received(receiver, 1)
        await publish(final(2))
        await until_settled(ledger, subscription.id, "delivered", 2)
    assert moments[1] - moments[0] >= 2
