"""Meetings whose ingest process died and whose sources never came back."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk
from common.results import Result
from common.streams.audio_log import MeetingRecord, Silence
from common.streams.client import PASSING, check_cancelled
from ingest.notices import Left, to_status

_LOOK_S = 0.5
_LOOKS = 6
"""So often Redis must have answered between the look that found a meeting silent and its end. After
an outage, or a jump of the server's clock, every meeting seems silent until its process says otherwise."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Silent:
    """A meeting last heard at `heard_ms`, which is over unless it is heard before that many looks."""

    record: MeetingRecord
    heard_ms: int
    until: int


class OrphanLog(Protocol):
    """The part of `common.streams.audio_log.AudioLog` that this needs."""

    async def keep_alive(self, meetings: Collection[Meeting]) -> None:
        """Say that somebody still listens for these meetings' audio."""

    async def unheard(self, silence_ms: int, after_ms: Mapping[int, int]) -> list[Silence]:
        """By shard, the open meetings last heard so long ago, and after a time of each shard."""

    async def abandon(
        self, record: MeetingRecord, heard_ms: int, last_words: Sequence[AudioChunk | Result]
    ) -> bool:
        """End a meeting and its tracks unless it was heard again."""


class Orphans:
    """Every ingest process says which meetings it holds, and ends those that none has held for long."""

    def __init__(
        self, orphan_log: OrphanLog, held: Callable[[], Collection[Meeting]], silence_ms: int
    ) -> None:
        self._log = orphan_log
        self._held = held
        self._silence_ms = silence_ms
        self._seen_ms: dict[int, int] = {}
        self._silent: deque[_Silent] = deque()
        self._looks = 0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            check_cancelled()
            try:
                await self.sweep()
            except PASSING:
                log.warning("orphans_not_seen")
                self._silent = deque(replace(silent, until=self._looks + _LOOKS) for silent in self._silent)
            await asyncio.sleep(_LOOK_S)

    async def sweep(self) -> None:
        """One look at what has fallen silent since the one before."""
        await self._log.keep_alive(self._held())
        for silence in await self._log.unheard(self._silence_ms, self._seen_ms):
            self._silent += [_Silent(*found, until=self._looks + _LOOKS) for found in silence.records]
            self._seen_ms[silence.shard] = silence.until_ms
        self._looks += 1
        while self._silent and self._silent[0].until < self._looks:
            await self._abandon(self._silent[0])
            self._silent.popleft()

    async def _abandon(self, silent: _Silent) -> None:
        record, heard_ms = silent.record, silent.heard_ms
        if await self._log.abandon(record, heard_ms, last_words(record, heard_ms)):
            log.warning("meeting_abandoned", meeting=record.meeting.id)


def last_words(record: MeetingRecord, heard_ms: int) -> list[AudioChunk | Result]:
    """What ends each open track, for the stages and for readers."""
    words: list[AudioChunk | Result] = []
    for track_id, name in record.open.items():
        track, end = Track(record.meeting, track_id, Speaker(track_id, name)), record.ends[track_id]
        words.append(AudioChunk(track, end, heard_ms, b"", "end"))
        words.append(to_status(Left(track, end), heard_ms))
    return words
