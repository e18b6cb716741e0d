"""Says when a meeting's phrases are no longer all spotted, and when they are again.

The result that says so stays unacknowledged until the one that takes it back is out: whoever
takes the shard over reads it again, and so knows what is to be taken back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from common.identity import Meeting
from common.results import Status, Transcript
from common.service_level import ServiceLevel, level_changed
from common.stage import Acknowledge, Append, Effect, EntryId, Stream

BEHIND = "keyword spotting is behind"
_AGAIN = "keyword spotting keeps up again"
_CALM_MS = 5000


@dataclass(slots=True)
class _Reduced:
    """A meeting of which an utterance was skipped at `skipped_ms`.

    `entry` is where the result that says so stands; None while it is on its way to the stream and
    back. `level` is what the transcripts have had since.
    """

    shard: int
    status: Status
    told_ms: int
    skipped_ms: int
    entry: EntryId | None = None
    level: ServiceLevel = ServiceLevel.KEYWORDS


class Levels:
    """The meetings at level 4."""

    def __init__(self) -> None:
        self._reduced: dict[Meeting, _Reduced] = {}

    def skipped(self, shard: int, meeting: Meeting, *, at_ms: int, now_ms: int) -> Iterator[Effect]:
        """An utterance of the meeting goes unheard from `at_ms` of its timeline on."""
        if meeting in self._reduced:
            self._reduced[meeting].skipped_ms = now_ms
            return
        status = _status(meeting, ServiceLevel.RECORD, at_ms=at_ms, now_ms=now_ms, reason=BEHIND)
        self._reduced[meeting] = _Reduced(shard, status, now_ms, now_ms)
        yield Append(shard, Stream.RESULTS, status, captured_ms=now_ms)

    def heed(self, entry: EntryId, status: Status, now_ms: int) -> Iterator[Effect]:
        """Read a status: our own, or a former owner's, or that the meeting is over."""
        meeting = Meeting(status.tenant, status.meeting)
        if status.id.startswith(_prefix(meeting)) and status.level == ServiceLevel.RECORD:
            told_ms = status.emitted_at_ms or now_ms
            reduced = self._reduced.setdefault(meeting, _Reduced(entry.shard, status, told_ms, now_ms))
            yield from _acknowledged(reduced.entry)
            reduced.entry = entry
            return
        if status.event == "meeting_ended" and meeting in self._reduced:
            yield from _acknowledged(self._reduced.pop(meeting).entry)
        yield Acknowledge(entry)

    def note(self, transcript: Transcript) -> None:
        """Read at which level a meeting is transcribed."""
        reduced = self._reduced.get(Meeting(transcript.tenant, transcript.meeting))
        if reduced is not None:
            reduced.level = ServiceLevel(min(transcript.level, ServiceLevel.KEYWORDS))

    def over(self, now_ms: int) -> Iterator[Effect]:
        """Nobody is skipped now: take back what was said of those that had been long enough ago."""
        for meeting, reduced in list(self._reduced.items()):
            if reduced.entry is None or now_ms - reduced.skipped_ms < _CALM_MS:
                continue
            at_ms = reduced.status.start_ms + max(0, now_ms - reduced.told_ms)
            status = _status(meeting, reduced.level, at_ms=at_ms, now_ms=now_ms, reason=_AGAIN)
            yield Append(reduced.shard, Stream.RESULTS, status, captured_ms=now_ms)
            yield from _acknowledged(reduced.entry)
            del self._reduced[meeting]

    def release(self, shard: int) -> None:
        """Forget the meetings of a shard."""
        self._reduced = {m: reduced for m, reduced in self._reduced.items() if reduced.shard != shard}

    def __len__(self) -> int:
        return len(self._reduced)


def _acknowledged(entry: EntryId | None) -> Iterator[Effect]:
    if entry is not None:
        yield Acknowledge(entry)


def _prefix(meeting: Meeting) -> str:
    return f"{meeting.tenant}/{meeting.id}/level_changed/keyword/"


def _status(meeting: Meeting, level: ServiceLevel, *, at_ms: int, now_ms: int, reason: str) -> Status:
    status = level_changed(meeting, level, at_ms=at_ms, now_ms=now_ms, reason=reason)
    return replace(status, id=f"{_prefix(meeting)}{now_ms}")
