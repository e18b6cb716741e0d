"""How a window is transcribed: what makes windows fit for one batch."""

import math
from dataclasses import dataclass
from enum import Enum

from common.audio import SAMPLE_RATE
from workers.engines.speech import DecodeSettings

LONGEST_CONTEXT_S = 30
PADDING_S = 2
_CONTEXT_STEP_S = 4


class Model(Enum):
    """Which of the emitter's models: the one it is for, or one that costs less."""

    MAIN = "main"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a window is transcribed. Windows of one manner may share a batch.

    The context is longer than any window of this manner, so that a window is padded the same in
    any company, and its text does not depend on it.
    """

    decode: DecodeSettings
    word_times: bool
    model: Model = Model.MAIN


def manner(samples: int, least_s: int, *, beam: int, model: Model = Model.MAIN) -> Manner:
    """Of a window so long, with word times."""
    return Manner(DecodeSettings(context_s(samples, least_s), beam), word_times=True, model=model)


def context_s(samples: int, least_s: int) -> float:
    """The padded length of a window: in a few classes only, so that batches fill.

    A context hardly longer than its audio makes Whisper loop and mishear.
    """
    needed_s = samples / SAMPLE_RATE + PADDING_S
    if needed_s <= least_s:
        return least_s
    return min(LONGEST_CONTEXT_S, math.ceil(needed_s / _CONTEXT_STEP_S) * _CONTEXT_STEP_S)
