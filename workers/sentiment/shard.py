"""The sentiment of one shard: open utterances, memories of tracks, and what is due to be said."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from common.identity import Meeting, Track
from common.messages import SpeechChunk
from common.results import Mood, Sentiment, Status, Transcript
from common.settings import SentimentSettings
from common.stage import Acknowledge, Append, Effect, EntryId, Stream
from workers.sentiment.memory import TrackMemory
from workers.sentiment.mood import evidence, mood
from workers.sentiment.reading import text_reading, tone_reading
from workers.sentiment.utterance import OpenUtterance

CATCH_UP_MS = 1000
"""How long a new owner holds back after the last result it read of an owner before."""

LINGER_MS = 60_000
"""How long after the end of a track its last results may still come, unless a text is deferred."""


@dataclass(frozen=True, slots=True)
class Final:
    """A final transcript whose polarity is due."""

    entry: EntryId
    transcript: Transcript


class ShardSentiment:
    """Takes entries, however the streams interleave; what that leads to comes out as effects."""

    def __init__(self, shard: int, settings: SentimentSettings, now_ms: int) -> None:
        self._shard = shard
        self._settings = settings
        self._ready_ms = now_ms + CATCH_UP_MS
        self._open: dict[str, OpenUtterance] = {}
        self._closed: list[OpenUtterance] = []
        self._finals: list[Final] = []
        self._meetings: defaultdict[Meeting, dict[str, TrackMemory]] = defaultdict(dict)

    def hear(self, chunk: SpeechChunk, entry: EntryId, now_ms: int) -> list[Effect]:
        """A piece of speech. One that belongs to no open utterance came too late to be of use."""
        key = chunk.track.key
        if chunk.offset == chunk.start:
            self._close(key)
            self._open[key] = OpenUtterance(chunk)
        utterance = self._open.get(key)
        if utterance is None or utterance.id != chunk.utterance:
            return [Acknowledge(entry)]
        utterance.feed(chunk, entry, now_ms=now_ms)
        self._memory(chunk.track, now_ms).over = chunk.closed == "end"
        if chunk.closed:
            self._close(key)
        return []

    def read(self, transcript: Transcript, entry: EntryId, now_ms: int) -> list[Effect]:
        """A transcript; only a final one has something to say, and a deferred one will have."""
        self._await(transcript, now_ms)
        if transcript.status != "final" or not transcript.text.strip():
            return [Acknowledge(entry)]
        self._finals.append(Final(entry, transcript))
        return []

    def remember(self, result: Sentiment, entry: EntryId, now_ms: int) -> list[Effect]:
        """A result of this pool, back from the stream: our own, or one of an owner before."""
        memory = self._memory(_track(result), result.emitted_at_ms)
        if not memory.knows(result):
            self._ready_ms = max(self._ready_ms, now_ms + CATCH_UP_MS)
        return _acknowledged(memory.returned(result, entry))

    def note(self, status: Status, entry: EntryId) -> list[Effect]:
        """Somebody left, or the meeting ended: what is remembered may go soon."""
        for track_id, memory in self._meetings.get(Meeting(status.tenant, status.meeting), {}).items():
            left = status.event == "speaker_left" and status.track == track_id
            memory.over = memory.over or left or status.event == "meeting_ended"
        return [Acknowledge(entry)]

    def due_tones(self, now_ms: int) -> list[Effect]:
        """The tone of each utterance that closed, or whose source went quiet."""
        if now_ms < self._ready_ms:
            return []
        quiet_ms = now_ms - self._settings.patience_s * 1000
        for key in [key for key, utterance in self._open.items() if utterance.heard_ms < quiet_ms]:
            self._close(key)
        closed, self._closed = self._closed, []
        return [effect for utterance in closed for effect in self._tone(utterance, now_ms)]

    def due_finals(self, now_ms: int) -> list[Final]:
        """The transcripts whose polarity `texts` is to be told."""
        return list(self._finals) if now_ms >= self._ready_ms else []

    def texts(self, polarities: Mapping[EntryId, float], now_ms: int) -> list[Effect]:
        """What the words of each final transcript say whose polarity is told."""
        told = [final for final in self._finals if final.entry in polarities]
        self._finals = [final for final in self._finals if final.entry not in polarities]
        effects: list[Effect] = []
        for final in told:
            said = final.transcript
            reading = text_reading(said, polarities[final.entry])
            effects += self._emit(reading, said.emitted_at_ms - said.latency_ms, now_ms)
            effects.append(Acknowledge(final.entry))
        return effects

    def sweep(self, now_ms: int) -> list[Effect]:
        """Forget the tracks of which nothing was heard for long."""
        effects: list[Effect] = []
        for meeting, tracks in list(self._meetings.items()):
            awaited = any(memory.deferred for memory in tracks.values())
            for track_id in [name for name, m in tracks.items() if self._expired(m, now_ms, awaited=awaited)]:
                effects += _acknowledged(tracks.pop(track_id).entries())
            if not tracks:
                del self._meetings[meeting]
        return effects

    def _close(self, key: str) -> None:
        if key in self._open:
            self._closed.append(self._open.pop(key))

    def _tone(self, utterance: OpenUtterance, now_ms: int) -> list[Effect]:
        heard = _acknowledged(utterance.entries)
        reading = tone_reading(utterance, self._memory(utterance.track, now_ms).tones())
        if reading is None:
            return heard
        return [*self._emit(reading, utterance.captured_ms, now_ms), *heard]

    def _emit(self, reading: Sentiment, captured_ms: int, now_ms: int) -> list[Effect]:
        """Remember a reading, and put it out with the moods it leads to."""
        track = _track(reading)
        memory = self._memory(track, now_ms)
        superseded = memory.emitted(reading)
        everything = [known for one in self._meetings[track.meeting].values() for known in one]
        at_ms = max(known.end_ms for known in everything)
        result = replace(reading, mood=self._mood(memory, at_ms), meeting_mood=self._mood(everything, at_ms))
        append = Append(self._shard, Stream.RESULTS, result, captured_ms=captured_ms)
        return [append, *_acknowledged(superseded)]

    def _mood(self, known: Iterable[Sentiment], at_ms: int) -> Mood:
        return mood(map(evidence, known), at_ms=at_ms, half_life_s=self._settings.half_life_s)

    def _memory(self, track: Track, now_ms: int) -> TrackMemory:
        tracks = self._meetings[track.meeting]
        memory = tracks.setdefault(track.id, TrackMemory(self._settings.remembered_utterances))
        memory.touch(now_ms)
        return memory

    def _await(self, transcript: Transcript, now_ms: int) -> None:
        """Note an utterance whose text will come late, so that the mood is still known then."""
        track = _track(transcript)
        if transcript.status == "deferred":
            self._memory(track, now_ms).deferred.add(transcript.utterance)
        elif transcript.status in ("final", "lost") and track.meeting in self._meetings:
            memory = self._meetings[track.meeting].get(track.id)
            if memory is not None:
                memory.deferred.discard(transcript.utterance)

    def _expired(self, memory: TrackMemory, now_ms: int, *, awaited: bool) -> bool:
        kept_ms = LINGER_MS if memory.over and not awaited else self._settings.idle_s * 1000
        return memory.touched_ms + kept_ms < now_ms


def _track(result: Sentiment | Transcript) -> Track:
    return Track(Meeting(result.tenant, result.meeting), result.track, result.speaker)


def _acknowledged(entries: Iterable[EntryId]) -> list[Effect]:
    return [Acknowledge(entry) for entry in entries]
