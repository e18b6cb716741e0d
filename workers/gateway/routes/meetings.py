"""Meetings and what was said in them, as documents."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response

from workers.gateway.access import Tenant
from workers.gateway.exports import EXPORTS
from workers.gateway.failures import FailureBody
from workers.gateway.gateway import Here, Known
from workers.gateway.history import (
    highlight_list,
    keyword_list,
    mood_so_far,
    stored_results,
    transcript_document,
)
from workers.gateway.parameters import After, Part, Types, chosen_types, page_of
from workers.gateway.position import ALL, cursor_of, parse_cursor
from workers.gateway.transcript import TranscriptDocument
from workers.gateway.views import HighlightList, KeywordList, MeetingList, MeetingView, MoodReport, ResultPage

router = APIRouter(
    prefix="/v1/meetings",
    tags=["meetings"],
    responses={"4XX": {"model": FailureBody, "description": "What was wrong with the request"}},
)

Document = MeetingList | MeetingView | TranscriptDocument | KeywordList | MoodReport | HighlightList
Count = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Before = Annotated[str, Query(max_length=160, description="Go on from here: `next` of the page before.")]
Matching = Annotated[
    str, Query(max_length=128, description="Only those with this in their id, in capitals or not.")
]
Format = Annotated[Literal["vtt", "srt", "txt", "md"], Path(description="Which kind of file.")]


@router.get("", response_model=MeetingList)
async def list_meetings(
    tenant: Tenant, gateway: Here, limit: Count = 100, before: Before = "", matching: Matching = ""
) -> Response:
    """Meetings of the token's tenant, the one heard last first.

    One that is heard while the pages are read goes to the front, and is in no later page.
    """
    start = parse_cursor(before) if before else None
    found = await gateway.results.heard(tenant, limit=limit, before=start, matching=matching)
    following = cursor_of(found.last) if found.last else None
    return _json(MeetingList(tuple(map(MeetingView.of, found.records)), following))


@router.get("/{meeting_id}", response_model=MeetingView)
async def get_meeting(record: Known) -> Response:
    """A meeting: how long it is, and how much of its audio reached a final result."""
    return _json(MeetingView.of(record))


@router.get("/{meeting_id}/transcript", response_model=TranscriptDocument)
@router.get("/{meeting_id}/transcript.json", response_model=TranscriptDocument)
async def get_transcript(record: Known, gateway: Here, part: Part) -> Response:
    """What was said, with speakers and word times; of a live meeting, what was said so far."""
    return _json(await transcript_document(gateway.results, record, part))


@router.get(
    "/{meeting_id}/transcript.{extension}",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type, _ in EXPORTS.values()}}},
)
async def export_transcript(record: Known, gateway: Here, extension: Format) -> Response:
    """The transcript as WebVTT or SubRip subtitles, plain text, or Markdown."""
    media_type, write = EXPORTS[extension]
    document = await transcript_document(gateway.results, record, ALL)
    name = f'inline; filename="{record.meeting.id}.{extension}"'
    return Response(write(document), media_type=media_type, headers={"Content-Disposition": name})


@router.get("/{meeting_id}/keywords", response_model=KeywordList)
async def get_keywords(record: Known, gateway: Here, part: Part) -> Response:
    """The phrases heard."""
    return _json(await keyword_list(gateway.results, record, part))


@router.get("/{meeting_id}/sentiment", response_model=MoodReport)
async def get_sentiment(record: Known, gateway: Here, part: Part) -> Response:
    """The mood of the meeting and its speakers, and how it came about."""
    return _json(await mood_so_far(gateway.results, record, part))


@router.get("/{meeting_id}/highlights", response_model=HighlightList)
async def get_highlights(record: Known, gateway: Here, part: Part) -> Response:
    """Action items, decisions, questions, strong moments."""
    return _json(await highlight_list(gateway.results, record, part))


@router.get("/{meeting_id}/results", response_model=ResultPage)
async def get_results(
    record: Known, gateway: Here, types: Types = "", after: After = "", limit: Count = 100
) -> Response:
    """What is stored of a meeting, in the order of the stream: for those who ask now and then.

    Ask again `after` the position `as_of`; while there is `more`, at once. A page may be empty and
    yet have more after it.
    """
    page = page_of(after, limit)
    found, reached = await stored_results(gateway.results, record, page, chosen_types(types))
    placed = [{"id": s.id, "type": s.type, "result": orjson.Fragment(s.data)} for s in found]
    body = {"meeting": record.meeting.id, "as_of": reached.position, "more": reached.more, "results": placed}
    return Response(orjson.dumps(body), media_type="application/json")


def _json(document: Document) -> Response:
    """The encoding that results have on the stream; a long transcript takes milliseconds."""
    return Response(orjson.dumps(document), media_type="application/json")
