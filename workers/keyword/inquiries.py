"""The stretches of audio that wait for verification: bounded, and the most promising first."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from workers.keyword import metrics
from workers.keyword.listening import Inquiry
from workers.keyword.utterance import Utterance

_SCORED_PER_TRANSCRIBED = 4
"""A second look takes about as long as so many first ones."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An inquiry of an utterance, since when (Unix time)."""

    utterance: Utterance
    inquiry: Inquiry
    since_ms: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """First looks in a batch; looks of each kind that may wait, and for how long."""

    batch: int
    waiting: int
    patience_ms: float


class Inquiries:
    """First looks in the order they came; second looks, which cost more, the likeliest first.

    `let_go` is told of every utterance of which an inquiry needs no answer any more.
    """

    def __init__(self, bounds: Bounds, let_go: Callable[[Utterance], None]) -> None:
        self._bounds, self._let_go = bounds, let_go
        self._first: deque[Waiting] = deque()
        self._second: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def add(self, utterance: Utterance, inquiry: Inquiry, now_ms: int) -> None:
        """Take one more; where that is too many, the oldest first or unlikeliest second look goes."""
        utterance.waiting += 1
        one = Waiting(utterance, inquiry, now_ms)
        if inquiry.again:
            self._second.append(one)
            if len(self._second) > self._bounds.waiting:
                self._drop(self._second.pop(self._unlikeliest()))
            return
        self._first.append(one)
        if len(self._first) > self._bounds.waiting:
            self._drop(self._first.popleft())

    def next_batch(self, now_ms: int, *, behind: bool = False) -> list[Waiting]:
        """What to look into now, all of one kind; second looks when no first one waits.

        Those hold up everything else for longer, so none is taken while the pool is `behind`.
        """
        self._expire(now_ms)
        batch: list[Waiting] = []
        while self._first and len(batch) < self._bounds.batch:
            one = self._first.popleft()
            self._choose(one, batch)
        if batch or behind:
            return batch
        self._second.sort(key=_doubt, reverse=True)
        while self._second and len(batch) < max(1, self._bounds.batch // _SCORED_PER_TRANSCRIBED):
            self._choose(self._second.pop(0), batch)
        return batch

    def release(self, shard: int) -> None:
        """Forget those of a shard."""
        self._first = deque(one for one in self._first if one.utterance.shard != shard)
        self._second = [one for one in self._second if one.utterance.shard != shard]

    def _choose(self, one: Waiting, batch: list[Waiting]) -> None:
        if one.utterance.wants(one.inquiry):
            batch.append(one)
        else:
            self._let_go(one.utterance)

    def _unlikeliest(self) -> int:
        return min(range(len(self._second)), key=lambda i: _doubt(self._second[i]))

    def _expire(self, now_ms: int) -> None:
        latest_ms = now_ms - self._bounds.patience_ms
        while self._first and self._first[0].since_ms < latest_ms:
            self._drop(self._first.popleft())
        for one in [one for one in self._second if one.since_ms < latest_ms]:
            self._second.remove(one)
            self._drop(one)

    def _drop(self, one: Waiting) -> None:
        self._let_go(one.utterance)
        if one.utterance.wants(one.inquiry):
            metrics.UNVERIFIED.inc()


def _doubt(one: Waiting) -> float:
    return one.utterance.likelihood(one.inquiry)
