"""How a source's messages become tracks: a signal for each speaker, or one signal of them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from common.audio import SAMPLE_RATE, ms_to_samples
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk
from ingest.feed import Feed, Moment, Stretch, captured_ms
from ingest.formats.values import Audio
from ingest.labels import Labels
from ingest.notices import Gap, Joined
from ingest.pcm import PcmFormat
from ingest.receipts import Extent
from ingest.refusals import Reason, Refused
from ingest.tracks import ChunkSize, TrackAudio


@dataclass(frozen=True, slots=True)
class Cutting:
    """How audio is cut: chunk sizes, and what counts as missing or as a change of speaker."""

    chunk: ChunkSize
    gap_samples: int
    hangover_samples: int
    max_tracks: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A meeting's beginning (Unix time), and how far each track had come before this source.

    `tracks` are the ids of all its tracks by now, for all its sources to add to. A source whose numbered
    messages another process took has a `last_seq`, and goes on at `nexts`.
    """

    meeting: Meeting
    started_at_ms: int
    ends: Mapping[str, int]
    last_seq: int | None = None
    nexts: Mapping[str, int] = field(default_factory=dict)
    tracks: set[str] = field(default_factory=set)

    def place(self, audio: Audio, moment: Moment, after: int) -> int:
        """Where the first sample of a message belongs, which is not before `after`."""
        length = len(audio.pcm) // audio.format.frame_bytes * SAMPLE_RATE // audio.format.rate
        end = ms_to_samples(captured_ms(audio, moment.arrival_ms) - self.started_at_ms)
        return max(after, end - length)


@dataclass(slots=True)
class Taken:
    """What came of a message."""

    chunks: list[AudioChunk] = field(default_factory=list)
    joined: list[Joined] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    extent: Extent | None = None

    def in_order(self) -> list[AudioChunk | Joined | Gap]:
        """All of it, as it is written."""
        return [*self.joined, *self.chunks, *self.gaps]


class Layout(Protocol):
    """The tracks of one source, over all its connections."""

    def take(self, audio: Audio, moment: Moment) -> Taken:
        """A message. Raises Refused when it names one speaker too many."""

    def flush(self) -> Taken:
        """The connection is gone: what was held back."""

    def resume(self, pcm_format: PcmFormat) -> None:
        """The source is back, after `flush`."""

    def finish(self) -> list[AudioChunk]:
        """All tracks are over, after `flush`: each one's last chunk."""

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the source waiting."""


class _Roster:
    """The tracks of a source, up to a number of them in all its meeting."""

    def __init__(self, timeline: Timeline, cutting: Cutting) -> None:
        self._meeting = timeline.meeting
        self._tracks = timeline.tracks
        self._cutting = cutting
        self.audio: dict[str, TrackAudio] = {}

    def admit(self, speaker: Speaker) -> None:
        """Raises Refused when the speaker would be one too many."""
        if speaker.id not in self._tracks and len(self._tracks) >= self._cutting.max_tracks:
            raise Refused(Reason.TOO_MANY, f"more than {self._cutting.max_tracks} speakers in one meeting")

    def open(self, speaker: Speaker, at: int, taken: Taken) -> TrackAudio:
        """The speaker's track, which begins here if it is new. Raises Refused."""
        self.admit(speaker)
        self._tracks.add(speaker.id)
        audio = self.audio.get(speaker.id)
        if audio is None:
            audio = TrackAudio(Track(self._meeting, speaker.id, speaker), self._cutting.chunk)
            self.audio[speaker.id] = audio
            taken.joined.append(Joined(audio.track, at))
        audio.rename(speaker)
        return audio

    def drain(self) -> list[AudioChunk]:
        return [chunk for audio in self.audio.values() for chunk in audio.drain()]

    def finish(self) -> list[AudioChunk]:
        return [chunk for audio in self.audio.values() for chunk in audio.finish()]


class IsolatedTracks:
    """Every speaker has a signal of their own; who is silent may send nothing.

    So a hole in it is no loss, except in the signal of a source that names no speakers, and
    except where message numbers say so.
    """

    def __init__(self, timeline: Timeline, cutting: Cutting, default: Speaker) -> None:
        self._timeline = timeline
        self._cutting = cutting
        self._default = default
        self._roster = _Roster(timeline, cutting)
        self._feeds: dict[str, Feed] = {}

    def take(self, audio: Audio, moment: Moment) -> Taken:
        """See Layout."""
        taken = Taken()
        speaker = audio.speaker or self._default
        self._roster.admit(speaker)
        feed = self._feed(speaker, audio, moment)
        start = feed.end
        track = self._roster.open(speaker, start, taken)
        follows = not taken.joined
        if speaker.id in self._timeline.nexts:
            taken.joined.clear()  # it did in the process before
        for stretch in feed.push(audio, moment):
            if stretch.hole:
                start, follows = stretch.start, False
                if audio.speaker is None or moment.missing:
                    taken.gaps.append(_gap(track.track, stretch))
            taken.chunks += track.push(self._unheard(stretch, speaker.id))
        if audio.seq is not None:
            taken.chunks += track.drain()
        taken.extent = Extent(track.track, start, feed.end, follows)
        return taken

    def flush(self) -> Taken:
        """See Layout."""
        taken = Taken()
        for speaker_id, feed in self._feeds.items():
            rest = self._unheard(feed.flush(), speaker_id)
            taken.chunks += self._roster.audio[speaker_id].push(rest)
        taken.chunks += self._roster.drain()
        return taken

    def resume(self, pcm_format: PcmFormat) -> None:
        """See Layout."""
        for feed in self._feeds.values():
            feed.resume(pcm_format)

    def finish(self) -> list[AudioChunk]:
        """See Layout."""
        return self._roster.finish()

    def excuse(self, waited_ms: int) -> None:
        """See Layout."""
        for feed in self._feeds.values():
            feed.excuse(waited_ms)

    def _feed(self, speaker: Speaker, audio: Audio, moment: Moment) -> Feed:
        if speaker.id not in self._feeds:
            start = self._begin(speaker, audio, moment)
            self._feeds[speaker.id] = Feed(audio.format, start, self._cutting.gap_samples)
        return self._feeds[speaker.id]

    def _begin(self, speaker: Speaker, audio: Audio, moment: Moment) -> int:
        """By the clock; but numbers that go on leave no hole, unless a speaker's own says so."""
        end = self._timeline.ends.get(speaker.id, 0)
        by_clock = self._timeline.place(audio, moment, end)
        if audio.seq is None or speaker.id not in self._timeline.nexts:
            return by_clock
        timed = audio.speaker is not None and audio.timestamp_ms is not None and not moment.missing
        late = timed and by_clock - end > self._cutting.gap_samples
        return by_clock if late else self._timeline.nexts[speaker.id]

    def _unheard(self, stretch: Stretch, speaker_id: str) -> Stretch:
        """Without what another process had put on the track of a message that comes again."""
        end = self._timeline.ends.get(speaker_id, 0)
        return stretch if stretch.start >= end else stretch.part(min(end, stretch.end), stretch.end)


class MixedTracks:
    """One signal of the whole meeting, whose messages name the loudest speaker.

    A label that changes ends the stretch of the one before at that sample.
    """

    def __init__(self, timeline: Timeline, cutting: Cutting) -> None:
        self._timeline = timeline
        self._cutting = cutting
        self._roster = _Roster(timeline, cutting)
        self._labels = Labels(cutting.hangover_samples)
        self._feed: Feed | None = None
        self._current: TrackAudio | None = None
        self._hole: Stretch | None = None

    def take(self, audio: Audio, moment: Moment) -> Taken:
        """See Layout."""
        taken = Taken()
        if self._feed is None:
            start = self._timeline.place(audio, moment, max(self._timeline.ends.values(), default=0))
            self._feed = Feed(audio.format, start, self._cutting.gap_samples)
        before = self._feed.end
        stretches = self._feed.push(audio, moment)
        self._labels.mark(audio.speaker, before + sum(s.hole for s in stretches), self._feed.end)
        for stretch in stretches:
            self._route(stretch, taken)
        return taken

    def flush(self) -> Taken:
        """See Layout."""
        taken = Taken()
        if self._feed is not None:
            self._route(self._feed.flush(), taken)
        taken.chunks += self._roster.drain()
        return taken

    def resume(self, pcm_format: PcmFormat) -> None:
        """See Layout."""
        if self._feed is not None:
            self._feed.resume(pcm_format)

    def finish(self) -> list[AudioChunk]:
        """See Layout."""
        return self._roster.finish()

    def excuse(self, waited_ms: int) -> None:
        """See Layout."""
        if self._feed is not None:
            self._feed.excuse(waited_ms)

    def _route(self, stretch: Stretch, taken: Taken) -> None:
        """Give each speaker their part of a stretch, and a hole to the first who speaks after it."""
        start = stretch.start
        if stretch.hole:
            self._hole = stretch
        for speaker, stop in self._labels.cut(start, stretch.end):
            track = self._turn(speaker, start, taken)
            if self._hole is not None:
                taken.gaps.append(_gap(track.track, self._hole))
                self._hole = None
            taken.chunks += track.push(stretch.part(start, stop))
            start = stop

    def _turn(self, speaker: Speaker, at: int, taken: Taken) -> TrackAudio:
        track = self._roster.open(speaker, at, taken)
        if self._current is not None and self._current is not track:
            taken.chunks += self._current.pause()
        self._current = track
        return track


def _gap(track: Track, stretch: Stretch) -> Gap:
    return Gap(track, stretch.start - stretch.hole, stretch.start, stretch.why)
