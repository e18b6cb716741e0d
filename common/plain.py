"""Untrusted text made safe for one line of a file, and positions as people read them."""

import re
import unicodedata

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MARKDOWN = re.compile(r"[\\`*_\[\]|~$<>&@]|(?<=www)\.|:(?=//)", re.IGNORECASE)
"""What has a meaning within a line, in CommonMark and in GitHub's dialect with its automatic links."""


def one_line(text: str) -> str:
    """Collapse white space and line ends, and drop what could reorder or hide the rest of a line."""
    kept = "".join(" " if _breaks(char) else char for char in text if char not in _BIDI_CONTROLS)
    return " ".join(kept.split())


def markdown(text: str) -> str:
    """Take away the meaning of characters; the result must not stand at the start of a line."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def clock(position_ms: int) -> str:
    """A position as hours:minutes:seconds."""
    minutes, seconds = divmod(position_ms // 1000, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _breaks(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
