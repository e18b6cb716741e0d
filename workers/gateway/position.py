"""Positions in a stream of results: what a reader hands back in order to resume."""

from dataclasses import dataclass
from functools import lru_cache

from common.errors import InvalidInput
from common.streams.audio_log import MeetingRecord
from common.streams.result_log import START, Heard

NOW = "$"
CLOCK_SKEW_MS = 60_000
"""How far the clock that dated a meeting's start may be ahead of that of Redis."""

_PART_BOUND = 2**64


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a meeting's past: what comes after a position, so many at most."""

    after: str
    limit: int | None


ALL = Page("", None)


@lru_cache(maxsize=4096)
def place(stream_id: str) -> tuple[int, int]:
    """The two parts of a stream id, which compare as the stream is ordered. Raises InvalidInput.

    Remembered, since all readers of a meeting compare the same few.
    """
    ms, dash, sequence = stream_id.partition("-")
    parts = (ms, sequence) if dash else (ms, "0")
    if not all(part.isascii() and part.isdigit() and len(part) <= 20 for part in parts):
        raise InvalidInput(f"position {stream_id[:64]!r}: want a stream id such as 1700000000000-0")
    first, second = int(parts[0]), int(parts[1])
    if max(first, second) >= _PART_BOUND:
        raise InvalidInput(f"position {stream_id[:64]!r}: larger than any stream id")
    return first, second


def beginning_of(record: MeetingRecord) -> str:
    """A position before the first result of a meeting, so that no older ones need be read."""
    ms = record.started_at_ms - CLOCK_SKEW_MS
    return f"{ms}-0" if ms > 0 else START


def cursor_of(heard: Heard) -> str:
    """What a reader of the list of meetings hands back in order to read on."""
    return f"{heard.heard_ms}~{heard.meeting_id}"


def parse_cursor(cursor: str) -> Heard:
    """The place in the list that a cursor names. Raises InvalidInput."""
    heard_ms, tilde, meeting_id = cursor.partition("~")
    if not (tilde and heard_ms.isascii() and heard_ms.isdigit() and len(heard_ms) <= 20):
        raise InvalidInput(f"before {cursor[:64]!r}: want `next` of the page before")
    return Heard(int(heard_ms), meeting_id)
