"""The engine protocol: batches of windows in, hypotheses out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.messages import Payload


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How much a window may cost.

    `context_s`: shortest length the features are padded to with silence, which an engine with a
    context of fixed cost needs; engines without ignore it. `beam`: hypotheses kept (1: greedy).
    `second_try`: whether a text that runs away or breaks off may cost another look; a partial does
    without, since the next one is under way.
    """

    context_s: float
    beam: int
    second_try: bool = True


@dataclass(frozen=True, slots=True)
class HypothesisWord:
    """A word with its times in seconds from the start of the window; probability is 0 to 1."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine heard in one window.

    `log_probability` is the mean per token; `no_speech` is the engine's probability that the
    window holds none (0 where it has no opinion). `words` is empty where times were not asked for.
    """

    text: str
    words: tuple[HypothesisWord, ...]
    log_probability: float
    no_speech: float


class SpeechEngine(Protocol):
    """A speech recogniser that takes many windows at once."""

    @property
    def encoding(self) -> Payload:
        """The features it wants."""

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """One hypothesis per window, in order.

        A window is `log_mel_f16`: float16 of shape (frames, mels), log10 mel power, 100 frames a
        second; or `pcm_s16le`: int16 of shape (samples,). Raises EngineError.
        """


def decode_payload(payload: bytes, encoding: Payload, mels: int) -> NDArray[Any]:
    """View the payload of a window message as the array an engine takes."""
    if encoding == "log_mel_f16":
        return np.frombuffer(payload, np.float16).reshape(-1, mels)
    return np.frombuffer(payload, np.int16)
