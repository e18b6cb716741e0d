"""Which part of a text somebody reads, from what a recogniser heard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_STEP_BACK = 3
"""Words that a reader takes up again after a pause."""
_NEAR = 40
"""Words around where the reader was, in which to look before looking everywhere."""
_LEAST_ALIKE = 0.5
"""Of the words heard, so many must be in the text."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words `start` to `end` of a text; `skipped` before it since the stretch before."""

    start: int
    end: int
    skipped: int


class ReferenceText:
    """A text to be read: its words as written, and as they are compared."""

    def __init__(self, text: str) -> None:
        self.words = tuple(_WORD.findall(text))
        self.keys = keys_of(text)

    def find(self, heard: str, after: int) -> Stretch | None:
        """Where `heard` was read from; the reader had come to word `after`. None where it was not.

        A word at either end that was heard as another still counts as read, if it was its turn.
        """
        said = keys_of(heard)
        high = after + len(said) + _NEAR
        for low, top in ((after - _STEP_BACK, high), (after - _NEAR, high), (0, len(self.keys))):
            if stretch := self._within(said, max(0, low), top, after):
                return stretch
        return None

    def _within(self, said: Sequence[str], low: int, high: int, after: int) -> Stretch | None:
        matcher = SequenceMatcher(None, self.keys[low:high], said, autojunk=False)
        blocks = [block for block in matcher.get_matching_blocks() if block.size]
        if not blocks or sum(block.size for block in blocks) < _LEAST_ALIKE * len(said):
            return None
        first, last = blocks[0], blocks[-1]
        matched, end = low + first.a, low + last.a + last.size
        start = max(matched - first.b, min(after, matched))
        tail = len(said) - last.b - last.size
        return Stretch(start, min(end + tail, len(self.keys)), skipped=max(0, start - after))


def keys_of(text: str) -> tuple[str, ...]:
    """The words of a text as the dictionary writes them."""
    return tuple(word.lower().replace("\u2019", "'") for word in _WORD.findall(text))
