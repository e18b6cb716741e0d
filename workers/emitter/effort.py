"""How much a window may cost, by what it is for and by service level."""

import math
from dataclasses import dataclass

from common.audio import SAMPLE_RATE, ms_to_samples
from workers.engines.speech import DecodeSettings

_LONGEST_CONTEXT_S = 30
_PADDING_S = 2
_CONTEXT_STEP_S = 4


@dataclass(frozen=True, slots=True)
class Manner:
    """How a window is transcribed. Windows of one manner may share a batch.

    The context is longer than any window of this manner, so that a window is padded the same in
    any company, and its text does not depend on it.
    """

    decode: DecodeSettings
    word_times: bool


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
        decode = DecodeSettings(context_s(samples, self.context_s), beam=1, second_try=False)
        return Manner(decode, word_times=samples > (self.context_s - _PADDING_S) * SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a meeting gets at a service level: partials, if any, and finals of such a context and beam.

    With `drafts`, the final is computed at every pause that may prove to be the end.
    """

    partials: Partials | None
    final_context_s: int
    beam: int
    drafts: bool

    def final(self, samples: int) -> Manner:
        """The manner of the final of an utterance so long."""
        return Manner(DecodeSettings(context_s(samples, self.final_context_s), self.beam), word_times=True)


def context_s(samples: int, least_s: int) -> float:
    """The padded length of a window: in a few classes only, so that batches fill.

    A context hardly longer than its audio makes Whisper loop and mishear.
    """
    needed_s = samples / SAMPLE_RATE + _PADDING_S
    if needed_s <= least_s:
        return least_s
    return min(_LONGEST_CONTEXT_S, math.ceil(needed_s / _CONTEXT_STEP_S) * _CONTEXT_STEP_S)


def efforts(partial_ms: int, *, drafts: bool) -> tuple[Effort, ...]:
    """By service level, with partials every `partial_ms` of speech at full service."""
    every, context_s = ms_to_samples(partial_ms), 6
    full = Partials(every, 2 * every, context_s)
    relaxed = Partials(2 * every, 10 * every, context_s)
    return (
        Effort(full, final_context_s=12, beam=5, drafts=drafts),
        Effort(relaxed, final_context_s=12, beam=1, drafts=False),
        Effort(None, final_context_s=12, beam=1, drafts=False),
    )
