"""Service levels: their names, and the result that says a meeting's level changed."""

from enum import IntEnum

from common.identity import Meeting, Speaker
from common.results import Status

_NOBODY = Speaker("", "")


class ServiceLevel(IntEnum):
    """What a meeting gets; 0 is full service."""

    FULL = 0
    RELAXED = 1
    FINALS = 2
    KEYWORDS = 3
    RECORD = 4


def level_changed(meeting: Meeting, level: ServiceLevel, *, at_ms: int, now_ms: int, reason: str) -> Status:
    """`at_ms` is on the meeting's timeline, `now_ms` is Unix time."""
    return Status(
        id=f"{meeting.tenant}/{meeting.id}/level_changed/{now_ms}",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="",
        speaker=_NOBODY,
        start_ms=at_ms,
        end_ms=at_ms,
        event="level_changed",
        level=level,
        reason=reason,
    )
