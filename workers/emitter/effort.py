"""How much a window may cost, by what it is for and how busy the emitter is."""

import math
from dataclasses import dataclass

from common.audio import SAMPLE_RATE
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
class Effort:
    """Shortest contexts in seconds, and the beam of finals; partials are greedy."""

    partial_context_s: int
    final_context_s: int
    beam: int

    def final(self, samples: int) -> Manner:
        """The manner of the final of an utterance so long."""
        return Manner(DecodeSettings(context_s(samples, self.final_context_s), self.beam), word_times=True)

    def partial(self, samples: int) -> Manner:
        """The manner of a partial whose view is so long; with times where the view should move on."""
        decode = DecodeSettings(context_s(samples, self.partial_context_s), beam=1, second_try=False)
        return Manner(decode, word_times=self.crowded(samples))

    def crowded(self, samples: int) -> bool:
        """Whether a view of a partial fills its context."""
        return samples > (self.partial_context_s - _PADDING_S) * SAMPLE_RATE


def context_s(samples: int, least_s: int) -> float:
    """The padded length of a window: in a few classes only, so that batches fill.

    A context hardly longer than its audio makes Whisper loop and mishear.
    """
    needed_s = samples / SAMPLE_RATE + _PADDING_S
    if needed_s <= least_s:
        return least_s
    return min(_LONGEST_CONTEXT_S, math.ceil(needed_s / _CONTEXT_STEP_S) * _CONTEXT_STEP_S)


EFFORTS = (
    Effort(partial_context_s=8, final_context_s=12, beam=5),
    Effort(partial_context_s=6, final_context_s=12, beam=1),
)
"""By service level."""
