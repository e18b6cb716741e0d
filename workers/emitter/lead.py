"""Left context: an utterance is heard together with what was said just before it.

An endpoint that comes early cuts sentences, and a piece of a sentence is misheard on its own. So the
last seconds of the track go before the utterance in its window, and the words that belong to them are
taken off what was heard. What that gains is in docs/decisions/endpointing.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.emitter.edits import prefix_distances
from workers.engines.speech import Hypothesis, HypothesisWord

_EDITS_PER_S = 3
"""What a word costs a second beyond the seam it should not cross, in word edits."""
_WORDS_PER_S = 5
_WORDS_AT_LEAST = 3
"""Nobody says more words than this in so many seconds."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The end of what a track said: its frames, and the words in them, timed from the first frame.

    It begins where a word begins, and ends where the utterance ended that it was taken from.
    """

    frames: NDArray[Any]
    words: tuple[HypothesisWord, ...]
    frames_per_s: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.frames) / self.frames_per_s

    def window(self, frames: NDArray[Any]) -> NDArray[Any]:
        """The utterance with what was said before it. The pause between is left out."""
        return np.concatenate([self.frames, frames])

    def last(self, seconds: float) -> "Lead | None":
        """At most so much of its end, from the beginning of a word on; None where no word is that short."""
        words = tuple(dropwhile(lambda word: word.start_s < self.seconds - seconds, self.words))
        if not words:
            return None
        first = int(words[0].start_s * self.frames_per_s)
        moved = _moved(words, -first / self.frames_per_s)
        return Lead(self.frames[first:].copy(), moved, self.frames_per_s)

    def then(self, frames: NDArray[Any], words: Iterable[HypothesisWord]) -> "Lead":
        """With the utterance that followed, whose words are timed from its own first frame."""
        return Lead(self.window(frames), (*self.words, *_moved(words, self.seconds)), self.frames_per_s)


def after_lead(hypothesis: Hypothesis, lead: Lead, *, length_s: float) -> Hypothesis | None:
    """What a hypothesis about a lead and an utterance of `length_s` says of the utterance alone.

    The times of its words count from the start of the utterance. None where the hypothesis is not to
    be relied on, and the utterance should be heard on its own: it has no word times, says nothing
    after the lead, more than can be said, or in the lead something else than was heard before.
    """
    words = hypothesis.words
    distances = prefix_distances([word.text for word in lead.words], [word.text for word in words])
    costs = [
        edits + _EDITS_PER_S * late
        for edits, late in zip(distances, _misplaced(words, lead.seconds), strict=True)
    ]
    count = min(range(len(costs)), key=lambda k: (costs[k], abs(k - len(lead.words))))
    kept = _moved(words[count:], -lead.seconds)
    sayable = length_s * _WORDS_PER_S + _WORDS_AT_LEAST
    if not 0 < len(kept) <= sayable or distances[count] > max(1, len(lead.words) / 2):
        return None
    return replace(hypothesis, text=" ".join(word.text for word in kept), words=kept)


def _misplaced(words: Sequence[HypothesisWord], seam_s: float) -> list[float]:
    """For each number of first words that belong before the seam: how far words lie beyond it, in all."""
    beyond = np.array([(word.start_s + word.end_s) / 2 - seam_s for word in words])
    before = np.concatenate([[0.0], np.cumsum(np.maximum(beyond, 0.0))])
    after = np.concatenate([[0.0], np.cumsum(np.maximum(-beyond, 0.0))])
    misplaced: list[float] = (before + after[-1] - after).tolist()
    return misplaced


def _moved(words: Iterable[HypothesisWord], seconds: float) -> tuple[HypothesisWord, ...]:
    return tuple(
        replace(word, start_s=max(0.0, word.start_s + seconds), end_s=max(0.0, word.end_s + seconds))
        for word in words
    )
