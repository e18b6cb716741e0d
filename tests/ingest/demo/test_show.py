import asyncio

import pytest

from common.errors import HubbubError
from ingest.demo.show import unless_one_ends


async def forever(stopped):
    try:
        await asyncio.Event().wait()
    finally:
        stopped.append("stopped")


async def fail():
    raise HubbubError("vad-0 ended 5 times in a row")


async def end():
    return None


async def test_the_others_stop_when_the_main_work_is_done():
    stopped = []

    async def work():
        await asyncio.sleep(0)
        return "summary"

    assert await unless_one_ends(work(), forever(stopped)) == "summary"
    assert stopped == ["stopped"]


async def test_the_first_failure_beside_the_work_ends_it():
    stopped = []
    with pytest.raises(HubbubError, match="vad-0 ended"):
        await unless_one_ends(forever(stopped), fail())
    assert stopped == ["stopped"]


async def test_nothing_beside_the_work_may_end_before_it():
    with pytest.raises(HubbubError, match="before the meeting"):
        await unless_one_ends(forever([]), end())
