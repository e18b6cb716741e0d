import asyncio

import pytest

from common.identity import Meeting
from common.streams.result_log import StoredResult
from workers.gateway.fanout import Ending, Fanout, TooManyReaders

HERE, ELSEWHERE = Meeting("default", "here"), Meeting("default", "elsewhere")


def results(meeting: Meeting, *numbers: int) -> list[StoredResult]:
    return [StoredResult(0, f"{n}-0", meeting, "keyword", b"{}") for n in numbers]


def ids(taken: list[StoredResult] | Ending) -> list[str]:
    assert not isinstance(taken, Ending), taken
    return [result.id for result in taken]


@pytest.fixture
def fanout() -> Fanout:
    return Fanout(capacity=3, max_readers=2)


async def test_a_reader_gets_what_is_new_in_its_meeting(fanout: Fanout) -> None:
    with fanout.subscribe(HERE) as subscription:
        fanout.publish([*results(HERE, 1), *results(ELSEWHERE, 2), *results(HERE, 3)], {0: "3-0"})
        assert ids(await subscription.take(1)) == ["1-0", "3-0"]


async def test_a_quiet_time_ends_with_nothing(fanout: Fanout) -> None:
    with fanout.subscribe(HERE) as subscription:
        assert await subscription.take(0.001) == []


async def test_a_slow_reader_keeps_an_unbroken_run_and_is_told(fanout: Fanout) -> None:
    with fanout.subscribe(HERE) as slow, fanout.subscribe(HERE) as quick:
        fanout.publish(results(HERE, 1, 2), {0: "2-0"})
        assert ids(await quick.take(1)) == ["1-0", "2-0"]
        fanout.publish(results(HERE, 3, 4), {0: "4-0"})
        fanout.publish(results(HERE, 5), {0: "5-0"})
        assert ids(await slow.take(1)) == ["1-0", "2-0", "3-0"]
        assert await slow.take(1) is Ending.OVERFLOW
        assert ids(await quick.take(1)) == ["3-0", "4-0", "5-0"]


async def test_closing_ends_readers_old_and_new_after_what_they_hold(fanout: Fanout) -> None:
    with fanout.subscribe(HERE) as early:
        fanout.publish(results(HERE, 1), {0: "1-0"})
        await fanout.close(patience_s=0.01)
        assert ids(await early.take(1)) == ["1-0"]
        assert await early.take(1) is Ending.CLOSING
        with fanout.subscribe(HERE) as late:
            assert await late.take(1) is Ending.CLOSING


def test_only_so_many_readers_are_admitted_at_a_time(fanout: Fanout) -> None:
    with fanout.admit(), fanout.admit():
        assert fanout.readers == 2
        with pytest.raises(TooManyReaders), fanout.admit():
            pass
    with fanout.admit():
        assert fanout.readers == 1


async def test_closing_waits_for_readers_but_not_forever(fanout: Fanout) -> None:
    with fanout.admit():
        await fanout.close(patience_s=0.01)
        closing = asyncio.create_task(fanout.close(patience_s=60))
        await asyncio.sleep(0)
        assert not closing.done()
    async with asyncio.timeout(5):
        await closing
