"""Polarity of a text by VADER: a lexicon and rules, English, microseconds a sentence.

Hutto & Gilbert (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text".
"""

from collections.abc import Sequence

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


class Vader:
    """Polarity from words, negation, degree and punctuation."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()

    def polarities(self, texts: Sequence[str]) -> list[float]:
        """-1 (negative) to 1 (positive), one per text, in order."""
        return [float(self._analyzer.polarity_scores(text)["compound"]) for text in texts]
