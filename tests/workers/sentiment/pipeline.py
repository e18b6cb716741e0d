"""A shard in memory: streams, what is pending, and a loop that can be made to crash."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from voices import voice

from common.audio import ms_to_samples, samples_to_ms
from common.identity import Meeting, Speaker, Track
from common.messages import Message, SpeechChunk, UtteranceEnd
from common.results import Result, Sentiment, Transcript
from common.settings import SentimentSettings
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Stream
from workers.sentiment.stage import SentimentStage

MEETING = Meeting("default", "standup")
ANNA = Track(MEETING, "anna", Speaker("1", "Anna"))
BEN = Track(MEETING, "ben", Speaker("2", "Ben"))
STARTED_MS = 1_700_000_000_000
CHUNK_MS = 100


class Lexicon:
    """An engine that knows two words."""

    def polarities(self, texts: Sequence[str]) -> list[float]:
        return [("good" in text) * 0.8 - ("bad" in text) * 0.8 for text in texts]


def spoken(
    track: Track, start_ms: int, pcm: bytes, *, closed: UtteranceEnd = "endpoint"
) -> list[SpeechChunk]:
    """An utterance in chunks of 100 ms and, after them, its end without samples."""
    start, step = ms_to_samples(start_ms), 2 * ms_to_samples(CHUNK_MS)
    name = track.utterance_id(start)
    chunks = []
    for at in range(0, len(pcm), step):
        piece, offset = pcm[at : at + step], start + at // 2
        end = offset + len(piece) // 2
        captured_ms = STARTED_MS + samples_to_ms(end)
        chunks.append(SpeechChunk(track, name, start, offset, end, captured_ms, piece))
    end = start + len(pcm) // 2
    quiet_ms = 100
    last = SpeechChunk(track, name, start, end, end, STARTED_MS + samples_to_ms(end), b"", closed)
    silence = bytes(2 * ms_to_samples(quiet_ms))
    return [*chunks, replace(last, pcm=silence, captured_ms=last.captured_ms + quiet_ms)]


def transcript(track: Track, start_ms: int, end_ms: int, text: str, *, status: str = "final") -> Transcript:
    """A transcript that came 250 ms after its audio."""
    utterance = track.utterance_id(ms_to_samples(start_ms))
    return Transcript(
        id=f"{utterance}/transcript/{status}",
        tenant=track.meeting.tenant,
        meeting=track.meeting.id,
        track=track.id,
        speaker=track.speaker,
        start_ms=start_ms,
        end_ms=end_ms,
        emitted_at_ms=STARTED_MS + end_ms + 250,
        latency_ms=250,
        utterance=utterance,
        status=status,
        text=text,
        stable=text,
    )


@dataclass
class Shard:
    """Delivers entries to a stage page by page, and commits what comes back, all or none."""

    settings: SentimentSettings = field(default_factory=SentimentSettings)
    number: int = 0
    page: int = 1000
    now_ms: int = STARTED_MS
    streams: dict[Stream, list[Entry]] = field(
        default_factory=lambda: {Stream.SPEECH: [], Stream.RESULTS: []}
    )
    pending: dict[Stream, dict[EntryId, Entry]] = field(
        default_factory=lambda: {Stream.SPEECH: {}, Stream.RESULTS: {}}
    )
    appended: list[Append] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = SentimentStage(self.settings, Lexicon())
        self._delivered = dict.fromkeys(self.streams, 0)
        self._again: dict[Stream, list[Entry]] = {stream: [] for stream in self.streams}

    def put(self, *messages: Message | Result) -> None:
        """Append to the stream a message belongs to."""
        for message in messages:
            stream = Stream.SPEECH if isinstance(message, SpeechChunk) else Stream.RESULTS
            entries = self.streams[stream]
            entries.append(Entry(EntryId(self.number, stream, f"{len(entries)}-0"), message))

    def turn(self, *, after_ms: int = 20, crash: str = "") -> None:
        """One turn of the loop; a crash comes "before" or "after" the commit."""
        self.now_ms += after_ms
        step = self.stage.process(self._read(), self.now_ms)
        if crash != "before":
            self._commit(step.effects)
        if crash:
            self.stage.release(self.number)
            self._again = {stream: list(entries.values()) for stream, entries in self.pending.items()}

    def run(self, *, turns: int = 60) -> None:
        """Turn until all there is was read, and some more."""
        while self.unread():
            self.turn()
        for _ in range(turns):
            self.turn()

    def unread(self) -> bool:
        """Whether a stream has entries that were not delivered."""
        return any(self._again[s] or self._delivered[s] < len(self.streams[s]) for s in self.streams)

    def sentiments(self, source: str = "") -> list[Sentiment]:
        """What the stage put out."""
        results = [append.message for append in self.appended]
        return [r for r in results if isinstance(r, Sentiment) and r.source.startswith(source)]

    def held(self) -> list[EntryId]:
        """All entries that are pending."""
        return [entry for entries in self.pending.values() for entry in entries]

    def _read(self) -> list[Entry]:
        batch = []
        for stream, entries in self.streams.items():
            again, self._again[stream] = self._again[stream][: self.page], self._again[stream][self.page :]
            if not again:
                at = self._delivered[stream]
                again = entries[at : at + self.page]
                self._delivered[stream] += len(again)
                self.pending[stream].update((entry.id, entry) for entry in again)
            batch += again
        return batch

    def _commit(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Acknowledge(entry):
                    del self.pending[entry.stream][entry]
                case Append(message=Sentiment() as result):
                    latency_ms = self.now_ms - effect.captured_ms
                    self.put(replace(result, emitted_at_ms=self.now_ms, latency_ms=latency_ms))
                    self.appended.append(effect)
                case _:
                    raise AssertionError(effect)


@cache
def conversation(utterances: int = 8) -> tuple[list[SpeechChunk], list[Transcript]]:
    """Two people in turn, each utterance of its own pitch, level and rate."""
    chunks, finals = [], []
    for i in range(utterances):
        track, start_ms = (ANNA, BEN)[i % 2], 1000 * i
        pcm = voice(0.3, pitch_hz=100 + 13 * i % 90, level_db=-30 + 7 * i % 17, syllables_per_s=3 + i % 4)
        chunks += spoken(track, start_ms, pcm)
        text = ("good", "bad", "neither")[i % 3]
        finals.append(transcript(track, start_ms, start_ms + 300, text))
    return chunks, finals
