"""Where in a text something sounds most like each of many targets.

A semi-global edit distance (Sellers 1980) over phones, all targets at once: a match begins and
ends with whole words of the text. Costs are whole hundredths, and each carries in its low digits
the word that its alignment began with, so that taking the cheaper one keeps its beginning too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.keyword.sounds import PHONES, Phones, slip, substitution

_WORDS = 1 << 16
_UNIT = 100
_NEVER = 1 << 40

Costs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Span:
    """Words `first` to `last` of a text sound like a target; likeness is at most 1."""

    target: int
    first: int
    last: int
    likeness: float


class SoundSearch:
    """Searches for targets, each a string of at least one phone."""

    def __init__(self, targets: Sequence[Phones]) -> None:
        self._lengths = np.array([len(target) for target in targets])
        shape = (len(targets), int(self._lengths.max()))
        self._taken = {phone: np.full(shape, _NEVER, np.int64) for phone in PHONES}
        missed = np.zeros((shape[0], shape[1] + 1), np.int64)
        for row, target in enumerate(targets):
            for i, meant in enumerate(target):
                missed[row, i + 1] = _cost(slip(meant))
                for heard in PHONES:
                    self._taken[heard][row, i] = _cost(substitution(heard, meant))
        self._missed = missed.cumsum(axis=1)
        self._rows = np.arange(len(targets))

    def find(self, words: Sequence[Phones], bar: float) -> list[Span]:
        """Per target, the most alike span of whole words that reaches `bar`; none where none does."""
        best = np.full(len(self._lengths), _NEVER, np.int64)
        lasts = np.zeros(len(self._lengths), np.int64)
        columns = np.full_like(self._missed, _NEVER)
        for number, phones in enumerate(words):
            columns[:, 0] = number  # a match may begin here, at no cost
            columns = self._after(columns, phones)
            ends = columns[self._rows, self._lengths]
            better = ends // _WORDS < best // _WORDS
            best, lasts = np.where(better, ends, best), np.where(better, number, lasts)
        likeness = 1.0 - (best // _WORDS) / (_UNIT * self._lengths)
        return [
            Span(int(row), int(best[row] % _WORDS), int(lasts[row]), float(likeness[row]))
            for row in np.flatnonzero(likeness >= bar)
        ]

    def _after(self, columns: Costs, phones: Phones) -> Costs:
        """The costs of the targets' beginnings, of each length, after the phones of one more word."""
        columns = self._passing_over(columns)
        for heard in phones:
            stepped = columns + _cost(slip(heard))
            np.minimum(stepped[:, 1:], columns[:, :-1] + self._taken[heard], out=stepped[:, 1:])
            columns = self._passing_over(stepped)
        return columns

    def _passing_over(self, columns: Costs) -> Costs:
        """With phones of the targets missed where that is cheaper."""
        passed: Costs = np.minimum.accumulate(columns - self._missed, axis=1) + self._missed
        return passed


def _cost(phones: float) -> int:
    return round(phones * _UNIT) * _WORDS
