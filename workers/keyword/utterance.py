"""What the stage knows of one utterance until its last result is out."""

import math
from dataclasses import dataclass, field

from common.audio import samples_to_ms
from common.identity import Meeting, Speaker
from common.messages import SpeechChunk
from common.results import Keyword, Transcript
from common.stage import Append, EntryId, Forget, Position, Stream
from workers.keyword.heard import Heard
from workers.keyword.listening import Candidate, Inquiry, Listening
from workers.keyword.phrases import Phrase


@dataclass(slots=True)
class Utterance:
    """The acoustic side ends with `deaf`, the textual one with `settled`; then it is over.

    `entries` are the pending entries of its speech; `waiting` counts inquiries not yet answered;
    `found` names the phrases told, `doubtful` has the candidates that scoring left open, with their scores;
    `origin_ms` is the Unix time of the meeting's first sample.
    """

    shard: int
    id: str
    meeting: Meeting
    track: str
    speaker: Speaker
    touched_ms: int
    origin_ms: int
    entries: list[EntryId] = field(default_factory=list)
    listening: Listening | None = None
    waiting: int = 0
    deaf: bool = False
    settled: bool = False
    deferred: bool = False
    words_read: int = 0
    found: set[str] = field(default_factory=set)
    doubtful: dict[Candidate, float] = field(default_factory=dict)

    @classmethod
    def of_speech(cls, shard: int, chunk: SpeechChunk, now_ms: int) -> "Utterance":
        """Begin with audio."""
        track = chunk.track
        origin_ms = chunk.captured_ms - samples_to_ms(chunk.end)
        return cls(
            shard, chunk.utterance, track.meeting, track.id, track.speaker, now_ms, origin_ms=origin_ms
        )

    @classmethod
    def of_text(cls, shard: int, transcript: Transcript, now_ms: int) -> "Utterance":
        """Begin with text: its audio is not here yet, or was dealt with before."""
        meeting = Meeting(transcript.tenant, transcript.meeting)
        captured_ms = transcript.emitted_at_ms - transcript.latency_ms
        return cls(
            shard,
            transcript.utterance,
            meeting,
            transcript.track,
            transcript.speaker,
            now_ms,
            origin_ms=captured_ms - transcript.end_ms,
        )

    def wants(self, inquiry: Inquiry) -> bool:
        """Whether an answer could bring something new."""
        untold = self._untold(inquiry)
        return bool(untold) if inquiry.look == "first" else not self.doubtful.keys().isdisjoint(untold)

    def doubt(self, inquiry: Inquiry, doubtful: dict[Candidate, float]) -> None:
        """Of what a look scored, only this is open; the same phrase may be so elsewhere."""
        for candidate in inquiry.candidates:
            self.doubtful.pop(candidate, None)
        self.doubtful.update(doubtful)

    def likelihood(self, inquiry: Inquiry) -> float:
        """The best score of its candidates whose phrases were not told."""
        scores = (self.doubtful.get(candidate, -math.inf) for candidate in self._untold(inquiry))
        return max(scores, default=-math.inf)

    def _untold(self, inquiry: Inquiry) -> list[Candidate]:
        return [candidate for candidate in inquiry.candidates if candidate.phrase not in self.found]

    def keyword(self, heard: Heard) -> Append | None:
        """The event of a phrase, the first time it is heard in this utterance."""
        if heard.phrase.text in self.found:
            return None
        self.found.add(heard.phrase.text)
        result = Keyword(
            id=f"{self.id}/keyword/{heard.phrase.slug}",
            tenant=self.meeting.tenant,
            meeting=self.meeting.id,
            track=self.track,
            speaker=self.speaker,
            start_ms=heard.start_ms,
            end_ms=heard.end_ms,
            utterance=self.id,
            phrase=heard.phrase.text,
            category=heard.phrase.category,
            source=heard.source,
            score=round(heard.score, 3),
        )
        at = Position(self._key(heard.phrase), 1)
        return Append(self.shard, Stream.RESULTS, result, at, captured_ms=self.origin_ms + heard.end_ms)

    @property
    def heard_out(self) -> bool:
        """Whether nothing of its audio waits any more."""
        return self.listening is None and not self.waiting and not self.entries

    def forget(self, phrases: tuple[Phrase, ...]) -> list[Forget]:
        """Drop the watermarks of all phrases: a former owner may have set some we don't know of."""
        return [Forget(self.shard, self._key(phrase)) for phrase in phrases]

    def _key(self, phrase: Phrase) -> str:
        return f"{self.id}/{phrase.slug}"
