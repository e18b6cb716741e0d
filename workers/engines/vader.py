"""Polarity of a text by VADER: a lexicon and rules, English, a tenth of a millisecond a sentence.

Hutto & Gilbert (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text".
"""

from collections.abc import Sequence
from typing import Any

from common.errors import EngineError


class Vader:
    """Polarity from words, negation, degree and punctuation."""

    def __init__(self, analyzer: Any) -> None:
        self._analyzer = analyzer

    @classmethod
    def load(cls) -> "Vader":
        """With the lexicon of its package. Raises EngineError."""
        try:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # noqa: PLC0415
        except ImportError as error:
            raise EngineError(f"sentiment engine vader needs hubbub[local]: {error}") from error
        return cls(SentimentIntensityAnalyzer())

    def polarities(self, texts: Sequence[str]) -> list[float]:
        """-1 (negative) to 1 (positive), one per text, in order."""
        return [float(self._analyzer.polarity_scores(text)["compound"]) for text in texts]
