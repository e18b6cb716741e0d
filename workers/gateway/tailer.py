"""Follows the results of all shards and hands them to the fan-out, through outages of Redis."""

import asyncio
from typing import Any

from common.streams.client import PASSING, check_cancelled
from common.streams.result_log import ResultLog
from workers.gateway import metrics
from workers.gateway.fanout import Fanout
from workers.gateway.pulse import Pulse

PAUSES_S = (0.1, 0.3, 1.0, 3.0)
"""How long to wait before the next try while Redis is away; the last holds from then on."""


class Tailer:
    """One per process. Its positions outlive lost connections, so nothing is skipped or repeated."""

    def __init__(self, results: ResultLog, fanout: Fanout, pulse: Pulse, *, log: Any) -> None:
        self._results = results
        self._fanout = fanout
        self._pulse = pulse
        self._log = log
        self._failures = 0

    @property
    def connected(self) -> bool:
        """Whether the last read worked."""
        return self._failures == 0

    async def start(self) -> None:
        """Begin at what is newest now."""
        self._fanout.publish((), await self._results.tails())

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            check_cancelled()
            try:
                await self._advance()
                self._failures = 0
            except PASSING as error:
                await self._pause(error)

    async def _advance(self) -> None:
        found = await self._results.follow(self._fanout.positions)
        if found:
            reached = {result.shard: result.id for result in found}
            self._fanout.publish(found, {**self._fanout.positions, **reached})
            self._pulse.take(found)
            metrics.RESULTS.inc(len(found))

    async def _pause(self, error: Exception) -> None:
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._log.warning("results_unreachable", error=str(error), pause_s=pause_s)
        await asyncio.sleep(pause_s)
