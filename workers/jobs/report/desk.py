"""The stage's way to the orders: from its thread through the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import CancelledError

import structlog

from common.clock import unix_ms
from common.identity import Meeting
from common.streams.client import PASSING
from common.streams.meeting_reports import ReportShelf
from common.streams.result_log import ResultLog


class OrderDesk:
    """Made on the event loop, used from another thread."""

    def __init__(self, shelf: ReportShelf, results: ResultLog) -> None:
        self._shelf = shelf
        self._results = results
        self._loop = asyncio.get_running_loop()

    def order(self, meetings: Sequence[Meeting]) -> bool:
        """Order the reports of meetings that have ended; False while Redis is away or the loop ends."""
        try:
            asyncio.run_coroutine_threadsafe(self._order(meetings), self._loop).result()
        except PASSING as error:
            structlog.get_logger().warning("redis_lost", stage="reports", error=str(error))
            return False
        except CancelledError:
            return False
        return True

    async def _order(self, meetings: Sequence[Meeting]) -> None:
        for meeting in meetings:
            record = await self._results.meeting(meeting)
            if record is not None and record.ended:
                await self._shelf.order(meeting, unix_ms())
