"""LocalAgreement-2: what two hypotheses in a row agree on will not change any more.

Source: D. Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by
Partial Hypothesis Selection" (2020); D. Macháček et al., "Turning Whisper into Real-Time
Transcription System" (2023).
"""

from collections.abc import Sequence
from itertools import takewhile

from workers.emitter.edits import prefix_distances, sound

_PUNCTUATION = ".,;:!?…-"


class Agreement:
    """The words of an utterance, heard again and again while it grows.

    Each hypothesis is about the audio in view, which at first is all of it; `leave` says that the
    view has moved on. Stable words neither change nor go; the punctuation after the last of them
    is open until the next word is stable, since a model ends any audio with a full stop.
    """

    def __init__(self) -> None:
        self._left: list[str] = []
        self._agreed: list[str] = []
        self._tentative: list[str] = []

    @property
    def stable(self) -> str:
        """The beginning of the text that will not change."""
        return _split(" ".join([*self._left, *self._agreed]))[0]

    @property
    def text(self) -> str:
        """The stable words, and the latest guess at those after them."""
        return " ".join([*self._left, *self._agreed, *self._tentative])

    def hear(self, words: Sequence[str], *, certain: int = 0) -> int:
        """Take a hypothesis; returns how many of its words are stable now.

        The first `certain` words become stable without a second opinion.
        """
        known = said_again(self._agreed, words)
        if known and self._agreed and _same((self._agreed[-1], words[known - 1])):
            self._agreed[-1] = _split(self._agreed[-1])[0] + _split(words[known - 1])[1]
        fresh = list(words[known:])
        count = max(common_prefix(self._tentative, fresh), min(certain - known, len(fresh)))
        self._agreed += fresh[:count]
        self._tentative = fresh[count:]
        return known + count

    def leave(self, kept: int) -> None:
        """Of the stable words, only the last `kept` are still in view."""
        gone = max(0, len(self._agreed) - kept)
        self._left += self._agreed[:gone]
        del self._agreed[:gone]


def common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with, whatever their case and punctuation."""
    return sum(1 for _ in takewhile(_same, zip(one, other, strict=False)))


def said_again(stable: Sequence[str], words: Sequence[str]) -> int:
    """How many of `words` say what `stable` says already: the prefix at the least edit distance.

    Of equally distant prefixes, the one whose length is nearest.
    """
    distances = prefix_distances(stable, words)
    return min(range(len(words) + 1), key=lambda j: (distances[j], abs(j - len(stable))))


def _same(pair: tuple[str, str]) -> bool:
    return sound(pair[0]) == sound(pair[1])


def _split(text: str) -> tuple[str, str]:
    """A text and the punctuation at its end."""
    end = len(text.rstrip(_PUNCTUATION))
    return text[:end], text[end:]
