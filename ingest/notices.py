"""What ingest itself tells the readers of results: who came, who left, what is missing."""

from dataclasses import dataclass
from typing import Literal

from common.audio import samples_to_ms
from common.identity import Track
from common.results import Status


@dataclass(frozen=True, slots=True)
class Joined:
    """A track's first audio, at a position."""

    track: Track
    at: int


@dataclass(frozen=True, slots=True)
class Left:
    """A track is over, at a position."""

    track: Track
    at: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio of a track that is missing, and why."""

    track: Track
    start: int
    end: int
    why: str


Notice = Joined | Left | Gap


def to_status(notice: Notice, now_ms: int) -> Status:
    """The result that says so."""
    match notice:
        case Joined(track, at):
            return _status(track, "speaker_joined", at, at, emitted_at_ms=now_ms)
        case Left(track, at):
            return _status(track, "speaker_left", at, at, emitted_at_ms=now_ms)
        case Gap(track, start, end, why):
            return _status(track, "gap", start, end, emitted_at_ms=now_ms, reason=why)


_Event = Literal["speaker_joined", "speaker_left", "gap"]


def _status(  # noqa: PLR0913  # a status has these parts
    track: Track, event: _Event, start: int, end: int, *, emitted_at_ms: int, reason: str = ""
) -> Status:
    return Status(
        id=f"{track.key}/{event}/{start}",
        tenant=track.meeting.tenant,
        meeting=track.meeting.id,
        track=track.id,
        speaker=track.speaker,
        start_ms=samples_to_ms(start),
        end_ms=samples_to_ms(end),
        emitted_at_ms=emitted_at_ms,
        event=event,
        reason=reason,
    )
