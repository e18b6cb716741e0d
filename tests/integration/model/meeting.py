"""A meeting's audio and record as a plain value: what the scripts of ingest promise to make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from common.audio import sample_count
from common.messages import AudioChunk
from common.streams.audio_log import Mark


@dataclass
class MeetingModel:
    """`audio` is what was appended; `heard` is when somebody was heard last."""

    audio: list[AudioChunk] = field(default_factory=list)
    started: bool = False
    ended: bool = False
    announced: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    paused: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    nexts: dict[str, int] = field(default_factory=dict)
    captured: int = 0
    heard: Literal["never", "long ago", "lately"] = "never"

    def begin(self) -> None:
        if not self.started:
            self.started = True
            self.heard = "lately"
            self.announced.append("meeting_started")

    def end(self) -> None:
        if self.started and not self.ended:
            self.ended = True
            self.announced.append("meeting_ended")

    def append(self, items: Sequence[AudioChunk | Mark], limit: int) -> str:
        """The verdict; nothing changes unless it is OK."""
        if len(self.audio) >= limit:
            return "FULL"
        if self.ended or not self.started:
            return "ENDED"
        for item in items:
            if isinstance(item, AudioChunk):
                self._add(item)
        for item in items:
            if isinstance(item, Mark):
                self._mark(item)
        self.heard = "lately"
        return "OK"

    def _add(self, chunk: AudioChunk) -> None:
        track = chunk.track.id
        if not self._is_new(chunk):
            return
        self.audio.append(chunk)
        self.ends[track] = max(chunk.end, self.ends.get(track, -1))
        self.captured += sample_count(chunk.pcm)
        if chunk.pause == "end":
            self.open.pop(track, None)
            self.paused.pop(track, None)
            return
        self.open[track] = chunk.track.speaker.name
        if chunk.pause == "pause":
            self.paused[track] = chunk.end

    def _is_new(self, chunk: AudioChunk) -> bool:
        track = chunk.track.id
        if chunk.end > self.ends.get(track, -1):
            return True
        if chunk.pcm:
            return False
        return track in self.open if chunk.pause == "end" else self.paused.get(track) != chunk.end

    def _mark(self, mark: Mark) -> None:
        before = self.sequences.get(mark.source)
        if before is not None and before > mark.seq:
            return
        if mark.over:
            self.sequences.pop(mark.source, None)
            return
        self.sequences[mark.source] = mark.seq
        self.nexts[mark.track.id] = max(mark.position, self.nexts.get(mark.track.id, -1))

    def abandon(self) -> bool:
        """Ends the meeting and its open tracks, unless it was heard lately."""
        if not self.started or self.ended or self.heard == "lately":
            return False
        self.open.clear()
        self.ended = True
        self.announced.append("meeting_ended")
        return True
