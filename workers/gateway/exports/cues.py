"""Cutting utterances into subtitles that can be read: at most two lines and some seconds each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from common.plain import one_line
from common.results import Transcript, Word
from workers.gateway.exports.plain import speaker_name, spoken

MAX_CHARACTERS = 84  # two lines of 42, as subtitlers have it
MAX_MS = 7000
SENTENCE_ENDS = (".", "?", "!", "…")


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle. Its words have times of their own, within the cue, where the result has them."""

    start_ms: int
    end_ms: int
    speaker: str
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words in one line."""
        return " ".join(word.text for word in self.words)


def cues(lines: Iterable[Transcript]) -> list[Cue]:
    """The cues of all utterances, in order of start, as players want them."""
    found = [cue for line in lines for cue in _cues_of(line)]
    return sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms))


def _cues_of(line: Transcript) -> Iterator[Cue]:
    group: list[Word] = []
    for word in _words(line):
        if group and _is_full(group, word):
            yield _cue(line, group)
            group = []
        group.append(word)
    if group:
        yield _cue(line, group)


def _words(line: Transcript) -> list[Word]:
    timed = [
        Word(text, w.start_ms, w.end_ms, w.probability) for w in line.words if (text := one_line(w.text))
    ]
    if timed and line.status == "final":
        return timed
    text = spoken(line)
    return [Word(text, line.start_ms, line.end_ms, 1.0)] if text else []


def _is_full(group: list[Word], word: Word) -> bool:
    characters = sum(len(w.text) + 1 for w in group)
    ends_sentence = group[-1].text.endswith(SENTENCE_ENDS)
    return (
        characters + len(word.text) > MAX_CHARACTERS
        or word.end_ms - group[0].start_ms > MAX_MS
        or (ends_sentence and characters > MAX_CHARACTERS // 2)
    )


def _cue(line: Transcript, group: list[Word]) -> Cue:
    start = max(0, group[0].start_ms)
    return Cue(start, max(group[-1].end_ms, start + 1), speaker_name(line), tuple(group))
