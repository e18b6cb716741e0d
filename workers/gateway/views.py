"""What the gateway says about meetings, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from common.audio import SAMPLES_PER_MS
from common.identity import Speaker
from common.results import Highlight, Keyword, Mood, Result, Sentiment
from common.streams.audio_log import MeetingRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAudio:
    """Audio that has not reached a final result, in milliseconds.

    While a meeting is live, `unheard` and `untranscribed` hold what is still under way.
    """

    gaps_ms: int
    unheard_ms: int
    untranscribed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingView:
    """A meeting. `coverage` is the share of its audio that reached a final result, 0 to 1.

    It is `awaited` from the sending of a bot until its first audio, then `live` until it has ended.
    """

    meeting: str
    state: Literal["awaited", "live", "ended"]
    started_at_ms: int
    ended_at_ms: int | None
    duration_ms: int
    tracks: tuple[str, ...]
    captured_ms: int
    speech_ms: int
    coverage: float
    missing: MissingAudio

    @classmethod
    def of(cls, record: MeetingRecord) -> Self:
        """What a record says, in milliseconds."""

        def ms(counter: str) -> int:
            return record.counters.get(counter, 0) // SAMPLES_PER_MS

        return cls(
            meeting=record.meeting.id,
            state="ended" if record.ended else "live" if record.ends else "awaited",
            started_at_ms=record.started_at_ms,
            ended_at_ms=record.ended_at_ms,
            duration_ms=max(record.ends.values(), default=0) // SAMPLES_PER_MS,
            tracks=tuple(sorted(record.ends)),
            captured_ms=ms("captured_samples"),
            speech_ms=ms("speech_samples"),
            coverage=round(record.coverage, 4),
            missing=MissingAudio(
                gaps_ms=ms("gap_samples"),
                unheard_ms=max(0, ms("captured_samples") - ms("heard_samples")),
                untranscribed_ms=max(0, ms("speech_samples") - ms("transcribed_samples")),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BotView:
    """A bot that was sent into a meeting.

    `bot_id` is null until MeetStream has said it. `status` is MeetStream's own word for what it is
    doing, null where MeetStream was not asked or has none. `can_speak`: it is connected for speech.
    """

    meeting: str
    bot_id: str | None
    bot_name: str
    asked_at_ms: int
    status: str | None = None
    can_speak: bool = False


@dataclass(frozen=True, slots=True)
class DeletionView:
    """A meeting that is being deleted."""

    meeting: str
    state: Literal["deleting"]


@dataclass(frozen=True, slots=True)
class MeetingList:
    """Meetings, the one heard last first. `next` is `before` for the next page, null after the last."""

    meetings: tuple[MeetingView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordList:
    """The phrases heard, in order of time, up to the stream id `as_of`.

    In a page there is `more` to ask for `after` it, here and in what follows.
    """

    meeting: str
    as_of: str
    more: bool
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HighlightList:
    """Moments worth coming back to, in order of time, up to the stream id `as_of`."""

    meeting: str
    as_of: str
    more: bool
    highlights: tuple[Highlight, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerMood:
    """The mood of a speaker after the last result that says something about it."""

    speaker: Speaker
    mood: Mood


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodReport:
    """The mood of a meeting and of its speakers, and the results it comes from, in order of time.

    `meeting_mood` is null before the first of them.
    """

    meeting: str
    as_of: str
    more: bool
    meeting_mood: Mood | None
    speakers: tuple[SpeakerMood, ...]
    sentiments: tuple[Sentiment, ...]


@dataclass(frozen=True, slots=True)
class PlacedResult:
    """A result, its type, and its position in the stream, from which a reader goes on."""

    id: str
    type: str
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """Results in the order of the stream, up to the position `as_of`."""

    meeting: str
    as_of: str
    more: bool
    results: tuple[PlacedResult, ...]


def mood_report(meeting: str, sentiments: Sequence[Sentiment], *, as_of: str, more: bool) -> MoodReport:
    """Put a report together from results in the order of the stream."""
    moods = {
        result.speaker.id: SpeakerMood(speaker=result.speaker, mood=result.mood) for result in sentiments
    }
    return MoodReport(
        meeting=meeting,
        as_of=as_of,
        more=more,
        meeting_mood=sentiments[-1].meeting_mood if sentiments else None,
        speakers=tuple(moods[speaker] for speaker in sorted(moods)),
        sentiments=tuple(sorted(sentiments, key=lambda s: (s.start_ms, s.end_ms, s.id))),
    )
