"""What is said apart from how it is written: words without case, punctuation and spelling habits."""

import re
import unicodedata

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|[0-9]+")
_APOSTROPHES = str.maketrans(
    dict.fromkeys("\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`", "'")
)
_TO_TEN = "zero one two three four five six seven eight nine ten"
_TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_DECADES = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = (*_TO_TEN.split(), *_TEENS.split())
_TENS = tuple(_DECADES.split())
_SHORTEST_STEM = 3
_VOWELS = "aeiouy"


def spoken_words(text: str) -> list[str]:
    """Lower-case words as they are said: "To-do list 2" is to, do, list, two."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).lower())
    ascii_only = plain.encode("ascii", "ignore").decode()
    words: list[str] = []
    for word in _WORD.findall(ascii_only):
        words += _number(word) if word.isdigit() else [word]
    return words


def stem(word: str) -> str:
    """The word without apostrophes and simple endings, so that its forms are equal.

    Crude, and meant to be applied to both sides of a comparison: slide, slides and sliding are
    all "slid".
    """
    bare = word.replace("'", "")
    if not bare.endswith("ss"):
        bare = _without(bare, "s")
    for ending in ("ing", "ed", "d"):
        cut = _without(bare, ending)
        if cut != bare:
            return _without_e(_undoubled(cut))
    return _without_e(bare)


def _without(word: str, ending: str) -> str:
    """The word less its ending, where something that can be a word is left."""
    cut = word.removesuffix(ending)
    return cut if len(cut) >= _SHORTEST_STEM and any(letter in _VOWELS for letter in cut) else word


def _without_e(word: str) -> str:
    return _without(_without(word, "e"), "e")


def _undoubled(cut: str) -> str:
    return cut[:-1] if len(cut) > _SHORTEST_STEM and cut[-1] == cut[-2] and cut[-1] not in "ls" else cut


def _number(digits: str) -> list[str]:
    """Numbers below a hundred in words; of larger ones the digits."""
    value = int(digits) if len(digits) <= 2 else None
    if value is None:
        return [_ONES[int(digit)] for digit in digits]
    if value < len(_ONES):
        return [_ONES[value]]
    tens, ones = divmod(value, 10)
    return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]
