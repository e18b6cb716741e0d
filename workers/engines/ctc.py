"""Greedy decoding of CTC emissions into words with times.

Source: A. Graves et al., "Connectionist Temporal Classification" (2006), section 3.2, best path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engines.speech import Hypothesis, HypothesisWord


@dataclass(frozen=True, slots=True)
class Labels:
    """What the columns of the emissions mean."""

    symbols: Sequence[str]
    blank: str = "-"
    between_words: str = "|"


def best_path(
    best: NDArray[np.integer[Any]], scores: NDArray[np.float32], labels: Labels, s_per_frame: float
) -> Hypothesis:
    """The text of the likeliest label of each frame, given with its log probability.

    A word lasts from its first symbol to the end of its last; its probability is the geometric
    mean over its frames. CTC has no opinion on whether there is speech.
    """
    if not len(best):
        return Hypothesis("", (), 0.0, 0.0)
    spans = _spans(best, labels)
    words = tuple(_word(word, scores, s_per_frame) for word in _split(spans, labels.between_words))
    return Hypothesis(" ".join(word.text for word in words), words, float(scores.mean()), 0.0)


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of frames with one label."""

    symbol: str
    begin: int
    end: int


def _spans(best: NDArray[np.integer[Any]], labels: Labels) -> list[_Span]:
    """Runs of equal labels, blanks left out."""
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    runs = [_Span(labels.symbols[best[begin]], int(begin), int(end)) for begin, end in pairwise(edges)]
    return [run for run in runs if run.symbol != labels.blank]


def _split(spans: list[_Span], separator: str) -> list[list[_Span]]:
    return [
        list(group) for is_word, group in groupby(spans, lambda span: span.symbol != separator) if is_word
    ]


def _word(spans: list[_Span], scores: NDArray[np.float32], s_per_frame: float) -> HypothesisWord:
    begin, end = spans[0].begin, spans[-1].end
    text = "".join(span.symbol for span in spans).lower()
    return HypothesisWord(
        text, begin * s_per_frame, end * s_per_frame, float(np.exp(scores[begin:end].mean()))
    )
