"""How alike two strings of phones sound.

Phones are ARPAbet as in the CMU dictionary, without stress. The costs are rough: what a small
recogniser confuses costs little, what people hear as another word costs the whole phone.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

Phones = tuple[str, ...]
Pronounce = Callable[[str], Sequence[Phones]]

MAX_WAYS = 4
_VOWEL_PHONES = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANT_PHONES = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
_VOWELS = frozenset(_VOWEL_PHONES.split())
PHONES = _VOWELS.union(_CONSONANT_PHONES.split())
_CLOSE = ("T D TH DH", "P B", "K G", "S Z", "SH ZH CH JH", "F V TH DH", "M N NG", "R L W")
_CLOSE_COST = 0.4
_VOWEL_COST = 0.5
_FAINT = {"AH": 0.5, "IH": 0.5, "HH": 0.5, "T": 0.7, "D": 0.7, "Y": 0.7}
_CLOSE_PAIRS = frozenset(pair for group in _CLOSE for pair in product(group.split(), repeat=2))


@cache
def substitution(heard: str, meant: str) -> float:
    """What it costs to take one phone for the other."""
    if heard == meant:
        return 0.0
    if heard in _VOWELS and meant in _VOWELS:
        return _VOWEL_COST
    return _CLOSE_COST if (heard, meant) in _CLOSE_PAIRS else 1.0


def slip(phone: str) -> float:
    """What it costs to miss a phone, or to hear one too many."""
    return _FAINT.get(phone, 1.0)


def ways_to_say(words: Sequence[str], pronounce: Pronounce) -> list[Phones]:
    """Some of the ways to say the words one after the other; unknown words are spelled out."""
    choices = [list(pronounce(word)) or [spelled(word)] for word in words]
    ways = [tuple(phone for part in parts for phone in part) for parts in product(*choices)]
    return ways[:MAX_WAYS]


_LETTERS = {
    "sch": "S K", "tch": "CH", "igh": "AY", "ough": "AO", "tion": "SH AH N", "sh": "SH", "ch": "CH",
    "th": "TH", "ph": "F", "ck": "K", "qu": "K W", "ng": "NG", "wh": "W", "kn": "N", "wr": "R",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "ai": "EY", "ay": "EY", "oa": "OW",
    "oi": "OY", "oy": "OY", "au": "AO", "aw": "AO", "er": "ER", "ir": "ER", "ur": "ER",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_LONGEST = max(map(len, _LETTERS))


def spelled(word: str) -> Phones:
    """A guess at the sound of a word that is in no dictionary, letter group by letter group."""
    phones: list[str] = []
    at = 0
    while at < len(word):
        for size in range(_LONGEST, 0, -1):
            group = word[at : at + size]
            if group in _LETTERS:
                phones += _LETTERS[group].split()
                break
        at += len(group)
    return tuple(phones)
