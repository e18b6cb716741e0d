"""From one reader of all streams to many readers of single meetings, inside one process."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum

from common.errors import HubbubError
from common.identity import Meeting
from common.streams.result_log import StoredResult
from workers.gateway import metrics


class TooManyReaders(HubbubError):
    """This process serves as many live readers as it may."""


class Ending(StrEnum):
    """Why a subscription brings nothing more."""

    OVERFLOW = "overflow"
    CLOSING = "closing"
    UNAVAILABLE = "unavailable"
    REVOKED = "revoked"


class Subscription:
    """One reader's bounded share of what is new.

    What it holds is always a run without holes: when it is full it takes nothing more, and ends
    once it has been emptied, so that its reader can resume after the last result it got.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[StoredResult] = deque()
        self._wake = asyncio.Event()
        self._ending: Ending | None = None

    def put(self, result: StoredResult) -> None:
        """Add what is new, or end with OVERFLOW when there is no room."""
        if self._ending is not None:
            return
        if len(self._waiting) >= self._capacity:
            metrics.OVERFLOWS.inc()
            self.end(Ending.OVERFLOW)
            return
        self._waiting.append(result)
        self._wake.set()

    def end(self, ending: Ending) -> None:
        """Bring nothing more after what is already here."""
        self._ending = self._ending or ending
        self._wake.set()

    async def take(self, timeout_s: float) -> list[StoredResult] | Ending:
        """What came since the last call; nothing after `timeout_s`; at last, why it ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        if not self._waiting and self._ending is not None:
            return self._ending
        taken = list(self._waiting)  # even after a time-out: something may have come since it struck
        self._waiting.clear()
        if self._ending is None:
            self._wake.clear()
        return taken


class Fanout:
    """Hands every result to whoever follows its meeting; everything happens on one event loop."""

    def __init__(self, *, capacity: int, max_readers: int) -> None:
        self._capacity = capacity
        self._max_readers = max_readers
        self._readers: dict[Meeting, set[Subscription]] = {}
        self._count = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._closed = False
        self.positions: Mapping[int, str] = {}

    @property
    def readers(self) -> int:
        """How many are admitted now."""
        return self._count

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count a reader for as long as the context lasts. Raises TooManyReaders."""
        if self._count >= self._max_readers:
            raise TooManyReaders(f"{self._count} live readers are as many as this process serves")
        self._count += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._count -= 1
            if self._count == 0:
                self._nobody.set()

    @contextmanager
    def subscribe(self, meeting: Meeting) -> Iterator[Subscription]:
        """Follow a meeting for as long as the context lasts."""
        subscription = Subscription(self._capacity)
        if self._closed:
            subscription.end(Ending.CLOSING)
        self._readers.setdefault(meeting, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._readers[meeting].discard(subscription)
            if not self._readers[meeting]:
                del self._readers[meeting]

    def publish(self, results: Sequence[StoredResult], positions: Mapping[int, str]) -> None:
        """Hand out what is new; `positions` is how far each shard has come with it."""
        for result in results:
            for subscription in self._readers.get(result.meeting, ()):
                subscription.put(result)
        self.positions = positions

    async def close(self, patience_s: float) -> None:
        """End every subscription, now and later, and give readers some time to take it in."""
        self._closed = True
        for subscriptions in self._readers.values():
            for subscription in subscriptions:
                subscription.end(Ending.CLOSING)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._nobody.wait()
