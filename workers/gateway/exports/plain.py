"""Untrusted text, made safe for one line of any format."""

import unicodedata

from common.results import Transcript

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

NOT_TRANSCRIBED = {"deferred": "[not transcribed yet]", "lost": "[not transcribed]"}
"""What stands for an utterance without a text, by its status."""


def one_line(text: str) -> str:
    """Collapse white space and line ends, and drop what could reorder or hide the rest of a line."""
    kept = "".join(" " if _breaks(char) else char for char in text if char not in _BIDI_CONTROLS)
    return " ".join(kept.split())


def speaker_name(line: Transcript) -> str:
    """How the speaker is called, on one line."""
    return one_line(line.speaker.name) or one_line(line.speaker.id) or "Unknown speaker"


def spoken(line: Transcript) -> str:
    """The text of an utterance, or a note that says why there is none."""
    return NOT_TRANSCRIBED.get(line.status) or one_line(line.text)


def clock(position_ms: int) -> str:
    """A position as hours:minutes:seconds."""
    minutes, seconds = divmod(position_ms // 1000, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _breaks(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
