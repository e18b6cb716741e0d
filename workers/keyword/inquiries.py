"""The stretches of audio that wait for verification: bounded, and the most promising first."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from workers.keyword import metrics
from workers.keyword.listening import SCORING, Inquiry, Look
from workers.keyword.utterance import Utterance

_SCORED_PER_TRANSCRIBED = 4
"""To read what was said takes about as long as so many looks that only score."""
_REST = 2
"""So many times as long as reading took, nothing is read while the pool is behind."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An inquiry of an utterance, since when (Unix time)."""

    utterance: Utterance
    inquiry: Inquiry
    since_ms: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many looks share a batch where they only score.

    And how many stretches may wait for each look that scores, or to be read, and for how long.
    """

    batch: int
    waiting: int
    patience_ms: float


class Inquiries:
    """Looks that score go first and in order; of those that read, which cost more, the likeliest.

    `let_go` is told of every utterance of which an inquiry needs no answer any more.
    """

    def __init__(self, bounds: Bounds, let_go: Callable[[Utterance], None]) -> None:
        self._bounds, self._let_go = bounds, let_go
        self._scores: dict[Look, deque[Waiting]] = {look: deque() for look in SCORING}
        self._texts: list[Waiting] = []
        self._texts_from_ms = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._scores.values())) + len(self._texts)

    def add(self, utterance: Utterance, inquiry: Inquiry, now_ms: int) -> None:
        """Take one more; where that is too many, the oldest goes, or of those to be read the unlikeliest.

        What still waits to be read goes as well, when it is to be read with more behind it.
        """
        utterance.waiting += 1
        one = Waiting(utterance, inquiry, now_ms)
        if inquiry.reads:
            self._supersede(one)
            self._texts.append(one)
            if len(self._texts) > self._bounds.waiting:
                self._drop(self._texts.pop(self._unlikeliest()))
            return
        line = self._scores[inquiry.look]
        line.append(one)
        if len(line) > self._bounds.waiting:
            self._drop(line.popleft())

    def next_batch(self, now_ms: int, *, behind: bool = False) -> list[Waiting]:
        """What to look into now, all of one kind; what is to be read when nothing waits to be scored.

        Reading holds up everything else for longer, so while the pool is `behind` it takes a third of the
        time at most.
        """
        self._expire(now_ms)
        batch: list[Waiting] = []
        for line in self._scores.values():
            while line and len(batch) < self._bounds.batch:
                self._choose(line.popleft(), batch)
            if batch:
                return batch
        if not self.due(now_ms, behind=behind):
            return batch
        self._texts.sort(key=_doubt, reverse=True)
        while self._texts and len(batch) < max(1, self._bounds.batch // _SCORED_PER_TRANSCRIBED):
            self._choose(self._texts.pop(0), batch)
        return batch

    def due(self, now_ms: int, *, behind: bool) -> bool:
        """Whether there is something to look into now."""
        if any(self._scores.values()):
            return True
        return bool(self._texts) and not (behind and now_ms < self._texts_from_ms)

    def took(self, inquiry: Inquiry, took_ms: float, now_ms: int) -> None:
        """Looking into a batch of such inquiries took so long, up to now or a little later."""
        if inquiry.reads:
            self._texts_from_ms = now_ms + (1 + _REST) * took_ms

    def release(self, shard: int) -> None:
        """Forget those of a shard."""
        for look, line in self._scores.items():
            self._scores[look] = deque(one for one in line if one.utterance.shard != shard)
        self._texts = [one for one in self._texts if one.utterance.shard != shard]

    def _choose(self, one: Waiting, batch: list[Waiting]) -> None:
        if one.utterance.wants(one.inquiry):
            batch.append(one)
        else:
            self._let_go(one.utterance)

    def _supersede(self, one: Waiting) -> None:
        for earlier in [other for other in self._texts if _covers(one, other)]:
            self._texts.remove(earlier)
            self._let_go(earlier.utterance)

    def _unlikeliest(self) -> int:
        return min(range(len(self._texts)), key=lambda i: _doubt(self._texts[i]))

    def _expire(self, now_ms: int) -> None:
        latest_ms = now_ms - self._bounds.patience_ms
        for line in self._scores.values():
            while line and line[0].since_ms < latest_ms:
                self._drop(line.popleft())
        for one in [one for one in self._texts if one.since_ms < latest_ms]:
            self._texts.remove(one)
            self._drop(one)

    def _drop(self, one: Waiting) -> None:
        self._let_go(one.utterance)
        if one.utterance.wants(one.inquiry):
            metrics.UNVERIFIED.inc()


def _doubt(one: Waiting) -> float:
    return one.utterance.likelihood(one.inquiry)


def _covers(one: Waiting, other: Waiting) -> bool:
    same = one.utterance is other.utterance
    return same and set(other.inquiry.candidates) <= set(one.inquiry.candidates)
