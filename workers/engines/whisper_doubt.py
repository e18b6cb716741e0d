"""When Whisper's text is not to be believed, or breaks off before the audio does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engines.log_mel import FRAMES_PER_S

_TOKENS_PER_S = 7
_TOKENS_AT_LEAST = 8
_FRAMES_PER_TIMESTAMP = 2
_REST_AT_LEAST = FRAMES_PER_S // 2
_LOUD_PERCENTILE = 95
_AUDIBLE_DECADES = 2.0
_AUDIBLE_FRAMES = FRAMES_PER_S // 5
_ROUNDS = 3
_CIRCLE_TOKENS = 6
_NO_SPEECH_IF_CERTAIN = 0.9
_NO_SPEECH_PER_LOG_PROBABILITY = 0.3


def token_bound(frames: int) -> int:
    """Tokens that nobody says more of in so many frames."""
    return frames * _TOKENS_PER_S // FRAMES_PER_S + _TOKENS_AT_LEAST


def circle(tokens: Sequence[int]) -> int:
    """The length of the phrase that the text goes round in at its end; 0 where it does not.

    A circle is a phrase said three times running or more, six tokens or more in all.
    """
    for size in range(1, len(tokens) // _ROUNDS + 1):
        rounds = max(_ROUNDS, math.ceil(_CIRCLE_TOKENS / size))
        if len(tokens) >= rounds * size and _repeats(tokens, size) >= rounds:
            return size
    return 0


def _repeats(tokens: Sequence[int], size: int) -> int:
    """How often the last `size` tokens stand at the end of the text."""
    phrase, count = tokens[-size:], 1
    while tokens[-(count + 1) * size : -count * size] == phrase:
        count += 1
    return count


def within_bound(tokens: Sequence[int], frames: int) -> list[int]:
    """The text, or, where it is longer than speech can be, what is left without going round in circles."""
    bound = token_bound(frames)
    if len(tokens) < bound:
        return list(tokens)
    size = circle(tokens)
    surplus = size * (_repeats(tokens, size) - 1) if size else 0
    return list(tokens[: len(tokens) - surplus])[:bound]


def invented(log_probability: float, no_speech: float) -> bool:
    """Whether a text was made up from noise: the less likely the text, the less doubt suffices.

    The line goes through Whisper's own point (no speech .6, log probability -1).
    """
    return no_speech > _NO_SPEECH_IF_CERTAIN + _NO_SPEECH_PER_LOG_PROBABILITY * log_probability


@dataclass(frozen=True, slots=True)
class Break:
    """Where a text breaks off: the first `tokens` hold for the first `frames`; the rest is yet to hear."""

    tokens: int
    frames: int


def breaks_off(sequence: Sequence[int], frames: int, *, timestamp_begin: int) -> Break | None:
    """Where to take up a text that does not close with one timestamp, as Whisper's own loop does.

    Whisper writes segments between timestamps. A pair of them at the end says that more follows;
    text with no timestamp after it is a segment that it could not finish. Either way what came
    before the last pair is sound, and the audio from there on deserves a look of its own. None
    where the text is closed, never paired, or hardly anything is left.
    """
    stamps = [token >= timestamp_begin for token in sequence]
    if stamps[-1:] == [True] and stamps[-2:-1] != [True]:
        return None
    for i in range(len(sequence) - 1, 0, -1):
        if stamps[i] and stamps[i - 1]:
            heard = (sequence[i] - timestamp_begin) * _FRAMES_PER_TIMESTAMP
            return Break(i - 1, heard) if FRAMES_PER_S <= heard <= frames - _REST_AT_LEAST else None
    return None


def audible_after(window: NDArray[Any], frames: int) -> bool:
    """Whether speech may follow the first `frames`: a fifth of a second nearly as loud as the loud parts."""
    loudest = window.max(axis=1).astype(np.float32)
    loud = np.percentile(loudest, _LOUD_PERCENTILE) - _AUDIBLE_DECADES
    return int((loudest[frames:] > loud).sum()) >= _AUDIBLE_FRAMES
