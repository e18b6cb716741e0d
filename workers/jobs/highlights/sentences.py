"""The sentences of a final transcript, with the time each is said."""

import re
from dataclasses import dataclass

from common.results import Transcript
from workers.jobs.highlights.wording import APOSTROPHES

_NOT_AN_END = "".join(rf"(?<!\b{short}\.)" for short in ("Mr", "Ms", "Dr", "Mrs", "vs", "No"))
_BOUNDARY = re.compile(rf"(?<=[.!?…]){_NOT_AN_END}\s+(?=[\"'“(]?[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it was said; times are those of the meeting."""

    text: str
    start_ms: int
    end_ms: int


def sentences(said: Transcript) -> list[Sentence]:
    """In order. Without a time for each word, all have the times of the utterance."""
    text = " ".join(said.text.translate(APOSTROPHES).split())
    texts = [part for part in _BOUNDARY.split(text) if part]
    if len(said.words) != len(text.split()):
        return [Sentence(part, said.start_ms, said.end_ms) for part in texts]
    found, first = [], 0
    for part in texts:
        last = first + len(part.split()) - 1
        found.append(Sentence(part, said.words[first].start_ms, said.words[last].end_ms))
        first = last + 1
    return found
