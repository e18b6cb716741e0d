"""Finds phrases in text: as written, in other forms of their words, or by a like sound."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.keyword.likeness import SoundSearch
from workers.keyword.phrases import Phrase
from workers.keyword.sounds import Pronounce, ways_to_say
from workers.keyword.wording import spoken_words, stem

INFLECTED = 0.95
"""The score of a phrase in another form ("next slides"), and the most that a like sound gets."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase in a text: its words from `first` to `last`, and how alike it is, 0 to 1."""

    phrase: Phrase
    first: int
    last: int
    score: float


@dataclass(frozen=True, slots=True)
class _Token:
    """A spoken word, its stem, and the number of the written word it comes from."""

    said: str
    stem: str
    word: int


class Matcher:
    """Looks for all phrases at once."""

    def __init__(self, phrases: Sequence[Phrase], pronounce: Pronounce) -> None:
        self.phrases = tuple(phrases)
        self._pronounce = pronounce
        self._as_written: list[tuple[Phrase, str, str]] = []
        owners: list[Phrase] = []
        sounds: list[tuple[str, ...]] = []
        for phrase in phrases:
            for wording in phrase.wordings:
                words = spoken_words(wording)
                self._as_written.append((phrase, _bare(words), "".join(map(stem, words))))
                ways = ways_to_say(words, pronounce)
                owners += [phrase] * len(ways)
                sounds += ways
        self._owners = owners
        self._search = SoundSearch(sounds)

    def find(self, words: Sequence[str], bar: float) -> list[Match]:
        """The best place of each phrase that is at least `bar` alike; `words` are as written.

        Words that are more like another phrase are not taken for this one.
        """
        tokens = [
            _Token(_bare([said]), stem(said), number)
            for number, word in enumerate(words)
            for said in spoken_words(word)
        ]
        best: dict[str, Match] = {}
        for match in (*self._written(tokens), *self._sounding(words, bar)):
            text = match.phrase.text
            if match.score >= bar and (text not in best or match.score > best[text].score):
                best[text] = match
        return [
            match for match in best.values() if not any(_outdone(match, other) for other in best.values())
        ]

    def _written(self, tokens: Sequence[_Token]) -> list[Match]:
        """Where words run together like a phrase's do: "follow-up", "followup", "followed up"."""
        said, stems = [token.said for token in tokens], [token.stem for token in tokens]
        found: list[Match] = []
        for phrase, bare, stemmed in self._as_written:
            for parts, wanted, score in ((said, bare, 1.0), (stems, stemmed, INFLECTED)):
                run = _run(wanted, parts)
                if run is not None:
                    found.append(Match(phrase, tokens[run[0]].word, tokens[run[1]].word, score))
                    break
        return found

    def _sounding(self, words: Sequence[str], bar: float) -> list[Match]:
        heard = [ways_to_say(spoken_words(word), self._pronounce)[0] for word in words]
        return [
            Match(self._owners[span.target], span.first, span.last, min(span.likeness, INFLECTED))
            for span in self._search.find(heard, bar)
        ]


def _outdone(match: Match, other: Match) -> bool:
    return other.score > match.score and other.first <= match.last and match.first <= other.last


def _bare(words: Sequence[str]) -> str:
    return "".join(words).replace("'", "")


def _run(wanted: str, parts: Sequence[str]) -> tuple[int, int] | None:
    """The first and last of the earliest parts that make up the wanted string."""
    for first in range(len(parts)):
        so_far = ""
        for last in range(first, len(parts)):
            so_far += parts[last]
            if so_far == wanted:
                return first, last
            if not wanted.startswith(so_far):
                break
    return None
