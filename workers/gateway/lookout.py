"""The state of the deployment, for whoever watches it: one look for all watchers of a moment."""

import asyncio
import time
from dataclasses import dataclass

from common.clock import unix_ms
from common.streams.client import Client
from common.streams.overview import Overview, read_overview

FRESH_S = 1.0
"""Processes report every two seconds; a look costs Redis some ten commands a shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen, and when (Unix time)."""

    at_ms: int
    overview: Overview


class Lookout:
    """Looks when asked, and hands out what it saw for as long as that is fresh."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._looking = asyncio.Lock()
        self._seen: Sighting | None = None
        self._stale_at = 0.0

    async def look(self) -> Sighting:
        """The state now, at most a second old. Raises RedisError."""
        async with self._looking:
            if self._seen is None or time.monotonic() >= self._stale_at:
                self._seen = Sighting(at_ms=unix_ms(), overview=await read_overview(self._redis))
                self._stale_at = time.monotonic() + FRESH_S
            return self._seen
