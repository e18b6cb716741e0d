"""What a meeting gets at each service level."""

from dataclasses import dataclass, replace

from common.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from workers.emitter.costs import Costs
from workers.emitter.manner import PADDING_S, Manner, Model, manner

_RELAXED_MS = 2000.0
"""What finals may take together below full service."""


@dataclass(frozen=True, slots=True)
class Partials:
    """A partial for every `every` samples of new speech, if there is time, else every `slowest`.

    `context_s` is the shortest context in seconds. Partials that are made with care have left context
    where they are short, and no words put behind the end of the audio, which takes word times to tell.
    """

    every: int
    slowest: int
    context_s: int
    careful: bool

    def manner(self, samples: int, *, careful: bool = False) -> Manner:
        """The manner of a partial whose view is so long; without care, with times where it should move on."""
        plain = manner(samples, self.context_s, beam=1)
        word_times = careful or samples > self.room_s * SAMPLE_RATE
        return replace(plain, decode=replace(plain.decode, second_try=False), word_times=word_times)

    def affords_care(self, samples: int, costs: Costs, *, due: int) -> bool:
        """Whether so many partials that are due can all be made with care as often as is wanted."""
        if not self.careful:
            return False
        cost_ms = costs.predict_ms(self.manner(samples, careful=True), 1)
        return due * cost_ms <= samples_to_ms(self.every)

    @property
    def room_s(self) -> float:
        """What the shortest context holds besides its padding; when a view is longer, it should move on."""
        return self.context_s - PADDING_S


@dataclass(frozen=True, slots=True)
class Finals:
    """Finals of so wide a beam, with a context of so many seconds at least, and perhaps with left context."""

    context_s: int
    beam: int
    lead: bool
    model: Model = Model.MAIN

    def manner(self, samples: int) -> Manner:
        """The manner of a final made from so much audio."""
        return manner(samples, self.context_s, beam=self.beam, model=self.model)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be computed now: finals and partials, and how long the partials take that cannot wait."""

    finals: int
    partials: int
    partials_ms: float


@dataclass(frozen=True, slots=True)
class Effort:
    """What a meeting gets at a service level: partials, if any, and the best finals there is time for.

    There is time where all finals that are due, made so, and the partials that wait for them are predicted
    to take `within_ms` at most. With `drafts`, the final is computed at every pause that may prove to be the
    end.
    """

    partials: Partials | None
    finals: tuple[Finals, ...]
    drafts: bool
    within_ms: float

    def final(self, samples: int, costs: Costs, due: Due) -> Finals:
        """The best for which there is time beside all else that is due, or else the last."""
        left_ms = self.within_ms - due.partials_ms
        fitting = (f for f in self.finals if due.finals * costs.predict_ms(f.manner(samples), 1) <= left_ms)
        return next(fitting, self.finals[-1])


def efforts(
    partial_ms: int, *, final_ms: float, drafts: bool, last: Model = Model.MAIN
) -> tuple[Effort, ...]:
    """By service level, with partials every `partial_ms` of speech at full service.

    `final_ms` is what finals may take together at full service; `last` the model of the level at
    which there are finals only.
    """
    every, context_s = ms_to_samples(partial_ms), 6
    best, quick = Finals(12, beam=5, lead=True), Finals(10, beam=1, lead=True)
    brief = Finals(8, beam=1, lead=False)
    return (
        Effort(Partials(every, 2 * every, context_s, careful=True), (best, quick), drafts, final_ms),
        Effort(
            Partials(2 * every, 25 * every, context_s, careful=False),
            (quick, brief),
            drafts=False,
            within_ms=_RELAXED_MS,
        ),
        Effort(None, (replace(brief, model=last),), drafts=False, within_ms=_RELAXED_MS),
    )


def pinned(effort: Effort) -> Effort:
    """With the best of its finals only, however long they take."""
    return replace(effort, finals=effort.finals[:1])
