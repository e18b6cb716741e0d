"""Where audio goes: what ingest needs of the streams."""

from collections.abc import Sequence
from typing import Protocol

from common.identity import Meeting
from common.messages import AudioChunk
from common.results import Result
from common.streams.audio_log import Mark, MeetingRecord


class AudioSink(Protocol):
    """Kept by `common.streams.audio_log.AudioLog`; tests keep it in memory."""

    async def append(self, items: Sequence[AudioChunk | Mark]) -> None:
        """Take chunks and marks; what was taken before is not taken twice.

        Raises Backlogged or, for a meeting that has ended, InvalidInput; the chunks of other
        meetings are taken all the same.
        """

    async def start_meeting(self, meeting: Meeting, started_at_ms: int) -> MeetingRecord:
        """The meeting's record, made and announced if it is new."""

    async def record(self, meeting: Meeting) -> MeetingRecord | None:
        """What is known of a meeting."""

    async def end_meeting(self, meeting: Meeting, ended_at_ms: int) -> None:
        """Take no more audio for a meeting, and announce it once."""

    async def tally(self, meeting: Meeting, counter: str, amount: int) -> None:
        """Add to a counter of the meeting."""

    async def publish(self, result: Result) -> None:
        """Put a result on its stream, at least once."""
