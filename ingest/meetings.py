"""The meetings whose audio comes through this process: who sends it, and when they are over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from common.identity import Meeting
from common.streams.client import PASSING, check_cancelled
from ingest import metrics
from ingest.feed import LONGEST_HOLE
from ingest.layouts import Cutting, Timeline
from ingest.refusals import Reason, Refused
from ingest.sink import AudioSink
from ingest.sources import Caller, Evict, Session, Source
from ingest.writer import Lane, Writer

_SWEEP_S = 0.25


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a source that broke off, and for Redis on a live source's behalf."""

    grace_ms: int
    backlog_ms: int


@dataclass(slots=True)
class _Live:
    meeting: Meeting
    sources: dict[str, Source] = field(default_factory=dict)
    begun: bool = False
    quiet_since_ms: int = 0
    ends: Mapping[str, int] | None = None
    tracks: set[str] = field(default_factory=set)


class Meetings:
    """Connections come and go; sources and meetings end a grace period after the last one."""

    def __init__(
        self,
        sink: AudioSink,
        writer: Writer,
        *,
        cutting: Cutting,
        patience: Patience,
        now_ms: Callable[[], int],
    ) -> None:
        self._sink = sink
        self._writer = writer
        self._cutting = cutting
        self._patience = patience
        self._now_ms = now_ms
        self._live: dict[Meeting, _Live] = {}

    async def join(self, caller: Caller, evict: Evict) -> Session:
        """Take the place of the same source's connection before, if there is one.

        Raises Refused when that one cannot be told to go, or when the meeting has too many.
        """
        live = self._live.setdefault(caller.meeting, _Live(caller.meeting))
        if caller.speaker.id not in live.sources and len(live.sources) >= self._cutting.max_tracks:
            raise Refused(Reason.TOO_MANY, f"more than {self._cutting.max_tracks} sources in one meeting")
        metrics.MEETINGS.set(len(self._live))
        source = live.sources.get(caller.speaker.id)
        if source is None:
            lane = Lane(self._writer, None if caller.can_wait else self._patience.backlog_ms)
            source = live.sources[caller.speaker.id] = Source(caller, self._cutting_for(caller), lane)
        else:
            await self._supersede(source)
            source.resume(caller)
            source.lane.patience_ms = None if caller.can_wait else self._patience.backlog_ms
        return Session(source, partial(self._begin, live, source.id), self._now_ms, evict)

    def is_sending(self, caller: Caller) -> bool:
        """Whether the same source has a connection now."""
        live = self._live.get(caller.meeting)
        source = live.sources.get(caller.speaker.id) if live else None
        return source is not None and source.session is not None

    def leave(self, session: Session, *, finished: bool) -> None:
        """A connection is over: its source too if it said so, otherwise after the grace period."""
        source = session.source
        if source.session is not session:
            return
        source.session, source.away_since_ms = None, self._now_ms()
        source.pause()
        if finished:
            source.finish({})
            self._remove(source)

    def held(self) -> list[Meeting]:
        """The meetings that have begun and may go on here."""
        return [meeting for meeting, live in self._live.items() if live.begun]

    async def run(self) -> None:
        """End what grace has run out for, until cancelled."""
        while True:
            check_cancelled()
            await asyncio.sleep(_SWEEP_S)
            await self.sweep()

    async def sweep(self) -> None:
        """End what grace has run out for."""
        for live in list(self._live.values()):
            try:
                await self._finish_lost(live)
                await self._end_quiet(live)
            except PASSING:
                continue  # Redis does not answer: the next sweep asks again
        metrics.MEETINGS.set(len(self._live))

    async def close(self) -> None:
        """End the meetings that only the grace period kept; others go on in another process."""
        for live in list(self._live.values()):
            if not live.sources and await self._sink.record(live.meeting):
                await self._sink.end_meeting(live.meeting, live.quiet_since_ms)

    async def _finish_lost(self, live: _Live) -> None:
        limit_ms = self._now_ms() - self._patience.grace_ms
        lost = [s for s in live.sources.values() if s.session is None and s.away_since_ms <= limit_ms]
        if not lost:
            return
        record = await self._sink.record(live.meeting)
        for source in lost:
            if source.session is None:
                source.finish(record.ends if record else {})
                source.lane.patience_ms = self._patience.backlog_ms
                self._remove(source)

    async def _end_quiet(self, live: _Live) -> None:
        """End a meeting that nobody has sent anything to for the grace period, here or elsewhere."""
        if live.sources:
            return
        if live.ends is not None and self._now_ms() - live.quiet_since_ms < self._patience.grace_ms:
            return
        record = await self._sink.record(live.meeting)
        if live.sources:
            return
        if record is None or record.ended:
            del self._live[live.meeting]
        elif live.ends is None:
            live.ends = record.ends
        elif live.ends != record.ends:
            live.ends, live.quiet_since_ms = record.ends, self._now_ms()
        else:
            del self._live[live.meeting]
            await self._sink.end_meeting(live.meeting, live.quiet_since_ms)

    def _remove(self, source: Source) -> None:
        live = self._live[source.meeting]
        del live.sources[source.id]
        live.ends, live.quiet_since_ms = None, self._now_ms()

    async def _begin(self, live: _Live, source_id: str, started_at_ms: int) -> Timeline:
        meeting = live.meeting
        try:
            record = await self._sink.start_meeting(meeting, started_at_ms)
        except PASSING as error:
            raise Refused(Reason.UNAVAILABLE, "Redis does not answer: try again later") from error
        if record.ended:
            raise Refused(Reason.ENDED, f"meeting {meeting.id} has ended")
        live.begun = True
        last_seq = record.sequences.get(source_id)
        nexts = record.nexts if last_seq is not None else {}
        live.tracks.update(record.ends)
        return Timeline(meeting, record.started_at_ms, record.ends, last_seq, nexts, live.tracks)

    def _cutting_for(self, caller: Caller) -> Cutting:
        """Who can be kept waiting is not late."""
        return replace(self._cutting, gap_samples=LONGEST_HOLE) if caller.can_wait else self._cutting

    async def _supersede(self, source: Source) -> None:
        session, source.session = source.session, None
        if session is not None:
            source.pause()
            await session.evict(Refused(Reason.SUPERSEDED, "another connection sends this audio now"))
