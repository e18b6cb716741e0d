"""How well a phrase fits a stretch of audio, by Whisper: its words are given, not looked for.

One pass of the decoder over all tokens of the phrase at once, instead of one pass a token: a
quarter of what transcribing takes. The score is the mean log probability of the phrase's tokens.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engines.log_mel import FRAMES_PER_S
from workers.engines.whisper_model import WhisperModel

SHORTEST_S = 2
_PADDING_S = 0.5
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a phrase is what a window says: log mel features of shape (frames, mels)."""

    phrase: str
    window: NDArray[np.float16]

    @property
    def padded_s(self) -> int:
        """The context it is judged in."""
        return max(SHORTEST_S, math.ceil(len(self.window) / FRAMES_PER_S + _PADDING_S))


class PhraseScorer:
    """Scores phrases. For one caller at a time; computing releases the GIL."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model

    @property
    def mels(self) -> int:
        """Mel bands the features must have."""
        return self._model.mels

    def scores(self, questions: Sequence[Question]) -> list[float]:
        """The mean log probability of each phrase's tokens in its window, in order. Raises EngineError.

        Questions share a batch with those of the same padded length only.
        """
        groups: dict[int, list[int]] = defaultdict(list)
        for i, question in enumerate(questions):
            groups[question.padded_s].append(i)
        scores: dict[int, float] = {}
        for padded_s, group in groups.items():
            scores.update(zip(group, self._batch([questions[i] for i in group], padded_s), strict=True))
        return [scores[i] for i in range(len(questions))]

    def _batch(self, questions: Sequence[Question], padded_s: int) -> list[float]:
        windows = [question.window for question in questions]
        encoded = self._model.encode(windows, padded_s * FRAMES_PER_S)
        tokens = [self._model.tokenizer.encode(f" {question.phrase}") for question in questions]
        aligned = self._model.align(encoded, tokens, [len(window) for window in windows])
        return [_mean_log(result) for result in aligned]


def _mean_log(alignment: Any) -> float:
    probabilities = np.maximum(alignment.text_token_probs, _LEAST)
    return float(np.log(probabilities).mean())
