"""How well a phrase fits a stretch of audio, by Whisper: its words are given, not looked for.

A pass of the decoder, or two, over all tokens of the phrase at once, instead of one pass a token. The
score is the mean log probability of the phrase's tokens, as the beginning of the text, or, where that is
better, behind an article: "deadline" is an unlikely first word. That makes every noun likelier, so a nat
is taken off; see docs/decisions/keyword-looks.md.
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
_ARTICLE = " the"
_ARTICLE_COSTS = 1.0
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
        """How well each phrase fits its window, in nats a token up to 0, in order. Raises EngineError.

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
        encoded = self._model.encode([question.window for question in questions], padded_s * FRAMES_PER_S)
        alone = self._fits(encoded, questions)
        if min(alone) >= -_ARTICLE_COSTS:
            return alone
        behind = self._fits(encoded, questions, _ARTICLE)
        return [max(one, other - _ARTICLE_COSTS) for one, other in zip(alone, behind, strict=True)]

    def _fits(self, encoded: Any, questions: Sequence[Question], before: str = "") -> list[float]:
        """With a hyphen as a space, since a text without it is as good."""
        texts = [f"{before} {question.phrase.replace('-', ' ')}" for question in questions]
        tokens = [self._model.tokenizer.encode(text) for text in texts]
        aligned = self._model.align(encoded, tokens, [len(question.window) for question in questions])
        skipped = len(self._model.tokenizer.encode(before)) if before else 0
        return [_mean_log(result.text_token_probs[skipped:]) for result in aligned]


def _mean_log(probabilities: Sequence[float]) -> float:
    return float(np.log(np.maximum(probabilities, _LEAST)).mean())
