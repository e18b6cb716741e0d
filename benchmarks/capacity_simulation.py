"""Meetings that speak, simulated through vad, asr and one emitter: when words and finals come out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from numpy.random import Generator

from benchmarks.capacity_model import Costs
from benchmarks.capacity_queues import (
    CHUNK_MS,
    Arrival,
    Cadence,
    InOrder,
    Pass,
    Windows,
    leaving,
    serve,
)

SHORTEST_UTTERANCE_MS = 1000.0
LONGEST_UTTERANCE_MS = 15_000.0
WORD_MS = 330.0
READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Scene:
    """Meetings at once for so long, in each of which one voice speaks for this share of the time.

    An utterance's final is due `endpoint_ms` after its speech ended; with `draft_ms`, it is
    computed from that pause on already, and so is one more for a pause that proved not to be the
    end. `finals` names the line of what they cost. `processors` are those of a machine that all
    pools share; 0: the emitter has its own. Meetings `in_step` all say the same at the same time,
    as where one recording is played to all of them.
    """

    meetings: int
    seconds: float = 60
    talk: float = 1.0
    finals: str = "final"
    endpoint_ms: float = 700
    draft_ms: float = 0
    cadence: Cadence = field(default_factory=Cadence)
    processors: float = 0
    in_step: bool = False
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech, from `begin_ms` to `end_ms`."""

    begin_ms: float
    end_ms: float


@dataclass(frozen=True)
class Outcome:
    """Latencies in ms; the share of its time in which the emitter computed; windows computed, and not."""

    word_ms: list[float]
    partial_ms: list[float]
    final_ms: list[float]
    busy: float
    partials: int
    superseded: int

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """p50 and p95 by clock."""
        clocks = {"word": self.word_ms, "partial": self.partial_ms, "final": self.final_ms}
        return {name: _percentiles(values) for name, values in clocks.items()}


def simulate(costs: Costs, scene: Scene) -> Outcome:
    """What the measured costs predict for a scene."""
    spoken = dict(enumerate(chain.from_iterable(spoken_in(costs, scene))))
    arrivals: Sequence[Arrival] = sorted(_chunks(scene, spoken), key=lambda arrival: arrival.at_ms)
    for pool in ("vad", "asr"):
        arrivals = [*leaving(serve(arrivals, InOrder(READ_AT_ONCE), _chunk_cost(costs, pool)))]
    queue = Windows(scene.cadence)
    slower = 1 / emitter_speed(costs, scene)

    def cost(batch: list[Arrival]) -> float:
        return slower * costs.batches[scene.finals if batch[0].last else "partial"].ms(len(batch))

    passes = serve(arrivals, queue, cost)
    return _outcome(costs, scene, spoken, passes, queue.superseded)


def _chunk_cost(costs: Costs, pool: str) -> Callable[[list[Arrival]], float]:
    chunk_ms = costs.processors[pool].speaking * CHUNK_MS
    return lambda batch: chunk_ms * len(batch)


def emitter_speed(costs: Costs, scene: Scene) -> float:
    """What the other pools leave of a processor to the emitter, on a machine that they share."""
    if not scene.processors:
        return 1.0
    others = [share for pool, share in costs.processors.items() if pool != "emitter"]
    others.append(costs.redis.processors)
    taken = sum(share.idle + share.of_meeting(scene.talk) * scene.meetings for share in others)
    return min(1.0, max(0.05, scene.processors - taken))


def spoken_in(costs: Costs, scene: Scene) -> Iterator[Iterator[Utterance]]:
    """What is spoken in each meeting."""
    for meeting in range(scene.meetings):
        rng = np.random.default_rng((scene.seed, 0 if scene.in_step else meeting))
        yield utterances(scene, costs.utterance_ms, rng)


def utterances(scene: Scene, mean_ms: float, rng: Generator) -> Iterator[Utterance]:
    """Of one meeting, which begins out of step with others; lengths are Gamma's, of shape 2."""
    further_ms = max(0.0, mean_ms * (1 / scene.talk - 1) - scene.endpoint_ms)
    end_ms = rng.uniform(0, mean_ms)
    while True:
        length_ms = float(np.clip(rng.gamma(2, mean_ms / 2), SHORTEST_UTTERANCE_MS, LONGEST_UTTERANCE_MS))
        pause_ms = scene.endpoint_ms + rng.exponential(further_ms)
        begin_ms = end_ms + pause_ms
        end_ms = begin_ms + length_ms
        if end_ms > scene.seconds * 1000:
            return
        yield Utterance(begin_ms, end_ms)


def _chunks(scene: Scene, spoken: Mapping[int, Utterance]) -> Iterator[Arrival]:
    """Audio as it is captured. The last one of an utterance comes when it is known to be over."""
    wait_ms = scene.draft_ms or scene.endpoint_ms
    for number, utterance in spoken.items():
        ends = np.arange(utterance.begin_ms + CHUNK_MS, utterance.end_ms + CHUNK_MS, CHUNK_MS)
        for end_ms in map(float, ends):
            yield Arrival(end_ms, number, end_ms)
        if scene.draft_ms:
            middle_ms = (utterance.begin_ms + utterance.end_ms) / 2
            yield Arrival(middle_ms, -1 - number, middle_ms, last=True)
        yield Arrival(utterance.end_ms + wait_ms, number, utterance.end_ms, last=True)


def _outcome(
    costs: Costs, scene: Scene, spoken: Mapping[int, Utterance], passes: Sequence[Pass], superseded: int
) -> Outcome:
    words: list[float] = []
    finals: list[float] = []
    partials = [
        one.end_ms + costs.transit_ms - item.end_ms for one in passes for item in one.taken if not item.last
    ]
    margins = _Margins(costs.margins_ms, np.random.default_rng(scene.seed))
    for number, views in _views(passes).items():
        utterance = spoken[number]
        over_ms = max(views[-1].end_ms, utterance.end_ms + scene.endpoint_ms) + costs.transit_ms
        finals.append(over_ms - utterance.end_ms)
        for word_ms in np.arange(utterance.begin_ms + WORD_MS, utterance.end_ms, WORD_MS):
            heard_ms = word_ms + margins.draw()
            seen = (one.end_ms + costs.transit_ms for one in views[:-1] if one.audio_ms >= heard_ms)
            words.append(min(next(seen, over_ms), over_ms) - float(word_ms))
    busy_ms = sum(one.end_ms - one.begin_ms for one in passes)
    lasted_ms = max(scene.seconds * 1000, passes[-1].end_ms if passes else 0)
    return Outcome(words, partials, finals, busy_ms / lasted_ms, len(partials), superseded)


@dataclass(frozen=True, slots=True)
class _View:
    """An utterance as transcribed up to `audio_ms`, which was done at `end_ms`."""

    audio_ms: float
    end_ms: float


def _views(passes: Sequence[Pass]) -> dict[int, list[_View]]:
    """By utterance, in order; the last one is its final. Pauses that were no end leave none."""
    views: dict[int, list[_View]] = {}
    for one in passes:
        for item in one.taken:
            if item.utterance >= 0:
                views.setdefault(item.utterance, []).append(_View(item.end_ms, one.end_ms))
    return views


class _Margins:
    """Draws from a distribution given by its quantiles, from the least to the greatest."""

    def __init__(self, quantiles: Sequence[float], rng: Generator) -> None:
        self._quantiles, self._rng = quantiles, rng
        self._at = np.linspace(0, 1, len(quantiles))

    def draw(self) -> float:
        return float(np.interp(self._rng.uniform(), self._at, self._quantiles))


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    p50, p95 = np.percentile(values, [50, 95])
    return float(p50), float(p95)


@dataclass(frozen=True, slots=True)
class Promise:
    """What every meeting is to get: p95s of partials and finals, and partials that hardly fail to come.

    `final_ms` counts from the end of speech and includes `endpoint_ms`. A partial rests on the
    newest audio when it is computed, so that being late shows in those that are `superseded`.
    """

    partial_ms: float
    final_ms: float
    superseded: float

    def kept(self, outcome: Outcome) -> bool:
        """Whether an outcome is as good as that."""
        found = outcome.percentiles()
        due = outcome.partials + outcome.superseded
        late = found["partial"][1] > self.partial_ms or found["final"][1] > self.final_ms
        return not late and outcome.superseded <= self.superseded * due


def most_meetings(costs: Costs, scene: Scene, promise: Promise) -> int:
    """The most meetings in such a scene for which a promise is kept; 0 where not even for one."""

    def holds(meetings: int) -> bool:
        return promise.kept(simulate(costs, replace(scene, meetings=meetings)))

    low, high = 0, 1
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
