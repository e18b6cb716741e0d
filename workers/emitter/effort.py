"""What a meeting gets at each service level."""

from dataclasses import dataclass, replace

from common.audio import ms_to_samples
from workers.emitter.costs import Costs
from workers.emitter.manner import Manner, Model, fills, manner


@dataclass(frozen=True, slots=True)
class Partials:
    """A partial for every `every` samples of new speech, if there is time, else every `slowest`.

    `context_s` is the shortest context in seconds.
    """

    every: int
    slowest: int
    context_s: int

    def manner(self, samples: int) -> Manner:
        """The manner of a partial whose view is so long; with times where the view should move on."""
        plain = manner(samples, self.context_s, beam=1)
        decode = replace(plain.decode, second_try=False)
        return Manner(decode, word_times=fills(samples, self.context_s))


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
class Effort:
    """What a meeting gets at a service level: partials, if any, and the best finals there is time for.

    With `drafts`, the final is computed at every pause that may prove to be the end.
    """

    partials: Partials | None
    finals: tuple[Finals, ...]
    drafts: bool

    def final(self, samples: int, costs: Costs, *, within_ms: float) -> Finals:
        """The first that is predicted to take no longer, or else the last."""
        fitting = (f for f in self.finals if costs.predict_ms(f.manner(samples), 1) <= within_ms)
        return next(fitting, self.finals[-1])


def efforts(partial_ms: int, *, drafts: bool, last: Model = Model.MAIN) -> tuple[Effort, ...]:
    """By service level, with partials every `partial_ms` of speech at full service.

    `last` is the model of the level at which there are finals only.
    """
    every, context_s = ms_to_samples(partial_ms), 6
    best, quick = Finals(12, beam=5, lead=True), Finals(12, beam=1, lead=True)
    brief = Finals(8, beam=1, lead=False)
    return (
        Effort(Partials(every, 2 * every, context_s), (best, quick), drafts),
        Effort(Partials(2 * every, 15 * every, context_s), (quick, brief), drafts=False),
        Effort(None, (replace(brief, model=last),), drafts=False),
    )


def pinned(effort: Effort) -> Effort:
    """With the best of its finals only, however long they take."""
    return replace(effort, finals=effort.finals[:1])
