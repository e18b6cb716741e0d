"""Documents about a meeting, from the results that are still kept."""

from collections.abc import Callable
from typing import TypeVar

from common.results import TYPES, Highlight, Keyword, Result, Sentiment, Transcript
from common.streams.audio_log import MeetingRecord
from common.streams.result_log import ResultLog
from workers.gateway.feed import past
from workers.gateway.position import beginning_of
from workers.gateway.transcript import TranscriptDocument, Utterances
from workers.gateway.views import HighlightList, KeywordList, MoodReport, mood_report

Kind = TypeVar("Kind", Transcript, Keyword, Sentiment, Highlight)
_NAMES: dict[type[Result], str] = {cls: name for name, cls in TYPES.items()}


async def transcript_document(results: ResultLog, record: MeetingRecord) -> TranscriptDocument:
    """The transcript so far. Raises RedisError."""
    utterances = Utterances()
    as_of = await _collect(results, record, Transcript, utterances.add)
    return TranscriptDocument(
        meeting=record.meeting.id,
        started_at_ms=record.started_at_ms,
        ended=record.ended,
        as_of=as_of,
        lines=utterances.settled(),
        open=utterances.open(),
    )


async def keyword_list(results: ResultLog, record: MeetingRecord) -> KeywordList:
    """The phrases heard so far. Raises RedisError."""
    keywords: list[Keyword] = []
    as_of = await _collect(results, record, Keyword, keywords.append)
    ordered = sorted(keywords, key=lambda k: (k.start_ms, k.end_ms, k.id))
    return KeywordList(meeting=record.meeting.id, as_of=as_of, keywords=tuple(ordered))


async def mood_so_far(results: ResultLog, record: MeetingRecord) -> MoodReport:
    """The sentiment so far. Raises RedisError."""
    sentiments: list[Sentiment] = []
    as_of = await _collect(results, record, Sentiment, sentiments.append)
    return mood_report(record.meeting.id, sentiments, as_of=as_of)


async def highlight_list(results: ResultLog, record: MeetingRecord) -> HighlightList:
    """The highlights so far. Raises RedisError."""
    highlights: list[Highlight] = []
    as_of = await _collect(results, record, Highlight, highlights.append)
    ordered = sorted(highlights, key=lambda h: (h.start_ms, h.end_ms, h.id))
    return HighlightList(meeting=record.meeting.id, as_of=as_of, highlights=tuple(ordered))


async def _collect(
    results: ResultLog, record: MeetingRecord, kind: type[Kind], take: Callable[[Kind], None]
) -> str:
    """Hand over all stored results of a kind, in the order of the stream; the position reached."""
    position, name = beginning_of(record), _NAMES[kind]
    async for batch in past(results, record.meeting, after=position):
        for stored in batch.results:
            if stored.type == name and isinstance(result := stored.decoded(), kind):
                take(result)
        position = batch.position
    return position
