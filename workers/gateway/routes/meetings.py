"""Meetings and what was said in them, as documents."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response

from workers.gateway.access import Tenant
from workers.gateway.exports import EXPORTS
from workers.gateway.failures import FailureBody
from workers.gateway.gateway import Here, Known
from workers.gateway.history import highlight_list, keyword_list, mood_so_far, transcript_document
from workers.gateway.transcript import TranscriptDocument
from workers.gateway.views import HighlightList, KeywordList, MeetingList, MeetingView, MoodReport

router = APIRouter(
    prefix="/v1/meetings",
    tags=["meetings"],
    responses={"4XX": {"model": FailureBody, "description": "What was wrong with the request"}},
)

Document = MeetingList | MeetingView | TranscriptDocument | KeywordList | MoodReport | HighlightList
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Format = Annotated[Literal["vtt", "srt", "txt", "md"], Path(description="Which kind of file.")]


@router.get("", response_model=MeetingList)
async def list_meetings(tenant: Tenant, gateway: Here, limit: Limit = 100) -> Response:
    """Meetings of the token's tenant, the one heard last first."""
    records = await gateway.results.meetings(tenant, limit=limit)
    return _json(MeetingList(tuple(MeetingView.of(record) for record in records)))


@router.get("/{meeting_id}", response_model=MeetingView)
async def get_meeting(record: Known) -> Response:
    """A meeting: how long it is, and how much of its audio reached a final result."""
    return _json(MeetingView.of(record))


@router.get("/{meeting_id}/transcript", response_model=TranscriptDocument)
@router.get("/{meeting_id}/transcript.json", response_model=TranscriptDocument)
async def get_transcript(record: Known, gateway: Here) -> Response:
    """What was said, with speakers and word times; of a live meeting, what was said so far."""
    return _json(await transcript_document(gateway.results, record))


@router.get(
    "/{meeting_id}/transcript.{extension}",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type, _ in EXPORTS.values()}}},
)
async def export_transcript(record: Known, gateway: Here, extension: Format) -> Response:
    """The transcript as WebVTT or SubRip subtitles, plain text, or Markdown."""
    media_type, write = EXPORTS[extension]
    document = await transcript_document(gateway.results, record)
    name = f'inline; filename="{record.meeting.id}.{extension}"'
    return Response(write(document), media_type=media_type, headers={"Content-Disposition": name})


@router.get("/{meeting_id}/keywords", response_model=KeywordList)
async def get_keywords(record: Known, gateway: Here) -> Response:
    """The phrases heard."""
    return _json(await keyword_list(gateway.results, record))


@router.get("/{meeting_id}/sentiment", response_model=MoodReport)
async def get_sentiment(record: Known, gateway: Here) -> Response:
    """The mood of the meeting and its speakers, and how it came about."""
    return _json(await mood_so_far(gateway.results, record))


@router.get("/{meeting_id}/highlights", response_model=HighlightList)
async def get_highlights(record: Known, gateway: Here) -> Response:
    """Action items, decisions, questions, strong moments."""
    return _json(await highlight_list(gateway.results, record))


def _json(document: Document) -> Response:
    """The encoding that results have on the stream; a long transcript takes milliseconds."""
    return Response(orjson.dumps(document), media_type="application/json")
