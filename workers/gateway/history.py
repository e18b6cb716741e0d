"""Documents about a meeting, from the results that are still kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from common.results import TYPES, Highlight, Keyword, Result, Sentiment, Transcript
from common.streams.audio_log import MeetingRecord
from common.streams.result_log import ResultLog, StoredResult
from workers.gateway.feed import past
from workers.gateway.position import Page, beginning_of
from workers.gateway.transcript import TranscriptDocument, Utterances
from workers.gateway.views import HighlightList, KeywordList, MoodReport, mood_report

PAGE_READS = 20

Kind = TypeVar("Kind", Transcript, Keyword, Sentiment, Highlight)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a page goes, and whether there may be more after it."""

    position: str
    more: bool


_NAMES: dict[type[Result], str] = {cls: name for name, cls in TYPES.items()}


async def transcript_document(results: ResultLog, record: MeetingRecord, page: Page) -> TranscriptDocument:
    """The transcript so far, or a part of it. Raises RedisError."""
    utterances = Utterances()
    reached = await _collect(results, record, page, Transcript, utterances.add)
    return TranscriptDocument(
        meeting=record.meeting.id,
        started_at_ms=record.started_at_ms,
        ended=record.ended,
        as_of=reached.position,
        more=reached.more,
        lines=utterances.settled(),
        open=utterances.open(),
    )


async def keyword_list(results: ResultLog, record: MeetingRecord, page: Page) -> KeywordList:
    """The phrases heard so far. Raises RedisError."""
    found, reached = await _all(results, record, page, Keyword)
    ordered = tuple(sorted(found, key=lambda k: (k.start_ms, k.end_ms, k.id)))
    return KeywordList(meeting=record.meeting.id, as_of=reached.position, more=reached.more, keywords=ordered)


async def mood_so_far(results: ResultLog, record: MeetingRecord, page: Page) -> MoodReport:
    """The sentiment so far. Raises RedisError."""
    found, reached = await _all(results, record, page, Sentiment)
    return mood_report(record.meeting.id, found, as_of=reached.position, more=reached.more)


async def highlight_list(results: ResultLog, record: MeetingRecord, page: Page) -> HighlightList:
    """The highlights so far. Raises RedisError."""
    found, reached = await _all(results, record, page, Highlight)
    ordered = tuple(sorted(found, key=lambda h: (h.start_ms, h.end_ms, h.id)))
    return HighlightList(
        meeting=record.meeting.id, as_of=reached.position, more=reached.more, highlights=ordered
    )


async def stored_results(
    results: ResultLog, record: MeetingRecord, page: Page, types: frozenset[str]
) -> tuple[list[StoredResult], Reached]:
    """Results as they lie in the stream, in its order. Raises RedisError."""
    found: list[StoredResult] = []

    def take(stored: StoredResult) -> bool:
        found.append(stored)
        return True

    return found, await _walk(results, record, page, types, take)


async def _all(
    results: ResultLog, record: MeetingRecord, page: Page, kind: type[Kind]
) -> tuple[list[Kind], Reached]:
    found: list[Kind] = []

    def take(result: Kind) -> bool:
        found.append(result)
        return True

    return found, await _collect(results, record, page, kind, take)


async def _collect(
    results: ResultLog, record: MeetingRecord, page: Page, kind: type[Kind], take: Callable[[Kind], bool]
) -> Reached:
    """Hand over the results of a kind; `take` says whether one counts towards the limit."""

    def decoded(stored: StoredResult) -> bool:
        result = stored.decoded()
        return isinstance(result, kind) and take(result)

    return await _walk(results, record, page, frozenset({_NAMES[kind]}), decoded)


async def _walk(
    results: ResultLog,
    record: MeetingRecord,
    page: Page,
    types: frozenset[str],
    take: Callable[[StoredResult], bool],
) -> Reached:
    """Hand over stored results in the order of the stream, until the end or the page is full.

    A page looks at PAGE_READS batches of the shard at most, so that what is rare in a meeting
    costs a reader more requests, and no request more time.
    """
    position, taken, reads = page.after or beginning_of(record), 0, 0
    async for batch in past(results, record.meeting, after=position):
        for stored in batch.results:
            taken += stored.type in types and take(stored)
            if taken == page.limit:
                return Reached(stored.id, more=True)
        position, reads = batch.position, reads + 1
        if page.limit is not None and reads == PAGE_READS:
            return Reached(position, more=True)
    return Reached(position, more=False)
