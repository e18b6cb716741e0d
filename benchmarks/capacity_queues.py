"""What waits for the pools, simulated: chunks for vad and asr, windows of speech for the emitter.

Audio flows one way, so each pool is simulated over the whole time before the next one: what leaves
a queue arrives at the next. Times are in ms from the first sample. Nothing here measures anything.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

FOR_EVER = float("inf")
CHUNK_MS = 100.0


@dataclass(frozen=True, slots=True)
class Line:
    """What a batch costs: the first item, and each further one."""

    first_ms: float
    further_ms: float

    def ms(self, items: int) -> float:
        """The time of a batch."""
        return self.first_ms + self.further_ms * (items - 1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Audio of an utterance up to `end_ms`, which reaches a queue at `at_ms`.

    `last` says that the utterance ends here; only its final can follow.
    """

    at_ms: float
    utterance: int
    end_ms: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """What was computed together, and when."""

    taken: tuple[Arrival, ...]
    begin_ms: float
    end_ms: float


class Queue(Protocol):
    """Decides what is computed next."""

    def arrive(self, arrival: Arrival) -> None:
        """Something came. Arrivals come in order of time."""

    def take(self) -> list[Arrival]:
        """The next batch; empty where nothing is due."""


def serve(arrivals: Iterable[Arrival], queue: Queue, cost_ms: Callable[[list[Arrival]], float]) -> list[Pass]:
    """One server that is never idle while something is due; `arrivals` in order of time."""
    coming = iter(arrivals)
    following = next(coming, None)
    passes: list[Pass] = []
    now = 0.0
    while True:
        while following is not None and following.at_ms <= now:
            queue.arrive(following)
            following = next(coming, None)
        if batch := queue.take():
            passes.append(Pass(tuple(batch), now, now + cost_ms(batch)))
            now = passes[-1].end_ms
        elif following is not None:
            now = following.at_ms
        else:
            return passes


class InOrder:
    """A pool that takes what is there, up to a limit, as it came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[Arrival] = []

    def arrive(self, arrival: Arrival) -> None:
        """It waits behind the others."""
        self._waiting.append(arrival)

    def take(self) -> list[Arrival]:
        """The oldest."""
        batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        return batch


@dataclass(frozen=True, slots=True)
class Cadence:
    """When an open utterance is due for a partial: at first, and after so much new speech; and batches."""

    first_ms: float = 400
    every_ms: float = 300
    most: int = 8


@dataclass(slots=True)
class _Open:
    """An utterance: what of it came last, what was taken last, since when a partial is due."""

    begin_ms: float
    taken_ms: float
    newest: Arrival
    due_ms: float = FOR_EVER


class Windows:
    """The emitter's queue: finals first, then the partials that have been due for longest.

    A partial takes the newest audio there is when it is computed, so windows that were due before
    are superseded; `superseded` counts them. A batch holds finals only or partials only.
    """

    def __init__(self, cadence: Cadence) -> None:
        self._cadence = cadence
        self._finals: list[Arrival] = []
        self._open: dict[int, _Open] = {}
        self.superseded = 0

    def arrive(self, arrival: Arrival) -> None:
        """New audio of an utterance, or its end."""
        begin_ms = arrival.end_ms - CHUNK_MS
        utterance = self._open.setdefault(arrival.utterance, _Open(begin_ms, begin_ms, arrival))
        utterance.newest = arrival
        if arrival.last:
            self.superseded += self._due(utterance)
            self._finals.append(arrival)
            del self._open[arrival.utterance]
        elif self._due(utterance):
            utterance.due_ms = min(utterance.due_ms, arrival.at_ms)

    def take(self) -> list[Arrival]:
        """Finals in the order they came, else partials by how long they have been due."""
        if self._finals:
            batch, self._finals = self._finals[: self._cadence.most], self._finals[self._cadence.most :]
            return batch
        due = sorted((u for u in self._open.values() if u.due_ms < FOR_EVER), key=lambda u: u.due_ms)
        return [self._partial(utterance) for utterance in due[: self._cadence.most]]

    def _partial(self, utterance: _Open) -> Arrival:
        self.superseded += self._due(utterance) - 1
        utterance.taken_ms, utterance.due_ms = utterance.newest.end_ms, FOR_EVER
        return utterance.newest

    def _due(self, utterance: _Open) -> int:
        """How many partials the audio since the last one would have been due for."""
        end_ms = utterance.newest.end_ms
        if end_ms - utterance.begin_ms < self._cadence.first_ms:
            return 0
        return int((end_ms - utterance.taken_ms) // self._cadence.every_ms)


def leaving(passes: Sequence[Pass]) -> Iterator[Arrival]:
    """What a pool passes on: each item at the end of its pass."""
    for one in passes:
        for item in one.taken:
            yield Arrival(one.end_ms, item.utterance, item.end_ms, item.last)
