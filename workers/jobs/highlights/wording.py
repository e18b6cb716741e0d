"""Putting patterns together from lists of words that people can read."""

import re
from collections.abc import Iterable

APOSTROPHES = str.maketrans("\u2019\u02bc", "''")


def any_of(*alternatives: str) -> str:
    """A pattern for one of some patterns."""
    return f"(?:{'|'.join(alternatives)})"


def any_word(words: str) -> str:
    """A pattern for one of some words, as written with spaces between them."""
    return any_of(*words.split())


def ignoring_case(pattern: str) -> str:
    """The same pattern, part of a larger one that tells names by their capitals."""
    return f"(?i:{pattern})"


def compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    """One that matches where any of them does, whatever the case."""
    return re.compile(any_of(*patterns), re.IGNORECASE)
