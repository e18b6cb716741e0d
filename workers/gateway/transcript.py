"""The transcript of a meeting, so far or for good, put together from its results."""

from dataclasses import dataclass
from typing import Literal

from common.results import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptDocument:
    """What was said, in order of time.

    `lines` holds one entry per utterance that has its final text, or for which there is none
    ("deferred", "lost"); `open` holds utterances still being spoken. `as_of` is the stream id up
    to which results are in it: pass it as `after` to `…/events` to go on from here. In a page there
    is `more` to ask for `after` it; a line replaces that of the same `utterance` in a page before.
    """

    meeting: str
    started_at_ms: int
    ended: bool
    as_of: str
    lines: tuple[Transcript, ...]
    open: tuple[Transcript, ...]
    more: bool = False


class Utterances:
    """Keeps, of each utterance, the transcript that is in force."""

    def __init__(self) -> None:
        self._in_force: dict[str, Transcript] = {}

    def add(self, transcript: Transcript) -> bool:
        """Take the next result of the stream; returns whether it settles its utterance.

        A final text stands, whatever comes after it.
        """
        before = self._in_force.get(transcript.utterance)
        if before is not None and before.status == "final":
            return False
        self._in_force[transcript.utterance] = transcript
        return transcript.status != "partial"

    def settled(self) -> tuple[Transcript, ...]:
        """Those that have their text, or a reason for having none, in order of time."""
        return self._ordered("final", "deferred", "lost")

    def open(self) -> tuple[Transcript, ...]:
        """Those still being spoken, in order of time."""
        return self._ordered("partial")

    def _ordered(self, *statuses: Literal["partial", "final", "deferred", "lost"]) -> tuple[Transcript, ...]:
        chosen = [t for t in self._in_force.values() if t.status in statuses]
        return tuple(sorted(chosen, key=lambda t: (t.start_ms, t.end_ms, t.id)))
