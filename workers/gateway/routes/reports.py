"""Reports of meetings: built in the background, on request while a meeting is live."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Response

from common.clock import unix_ms
from common.meeting_report import Report
from common.streams.audio_log import MeetingRecord
from common.streams.meeting_reports import ReportShelf, ReportState
from workers.gateway.failures import FailureBody, ReportFailed
from workers.gateway.gateway import Here, Known

FRESH_MS = 30_000
"""So old may a report of a live meeting be."""
RETRY_S = 2
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Of the page, which is complete in itself: its own style sheet, and no scripts at all."""

MEDIA_TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
}
Kind = Annotated[Literal["json", "html", "md", "pdf", "svg"], Path(description="Which kind of file.")]


@dataclass(frozen=True, slots=True)
class Building:
    """The report is being built: ask again soon."""

    status: Literal["building"]


router = APIRouter(
    prefix="/v1/meetings",
    tags=["reports"],
    responses={
        202: {"model": Building, "description": "It is being built; ask again after `Retry-After` seconds"},
        "4XX": {"model": FailureBody, "description": "What was wrong with the request"},
        503: {"model": FailureBody, "description": "It could not be built, or Redis is away"},
    },
)
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Report"}},
            "text/html": {
                "schema": {"type": "string"},
                "example": "<!doctype html>\n<h1>weekly</h1>",
            },
            "text/markdown": {"schema": {"type": "string"}, "example": "# weekly\n\n## Summary\n"},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            "image/svg+xml": {
                "schema": {"type": "string"},
                "example": '<svg xmlns="http://www.w3.org/2000/svg"/>',
            },
        }
    }
}


@router.get("/{meeting_id}/report", response_model=Report)
async def get_report(record: Known, gateway: Here) -> Response:
    """Summary, highlights, participants, moods and transcript of a meeting as one document."""
    return await _report(record, gateway.reports, "json")


@router.get("/{meeting_id}/report.{extension}", response_class=Response, responses=_FILES)
async def export_report(record: Known, gateway: Here, extension: Kind) -> Response:
    """The report as a web page, Markdown, PDF or JSON, or the moods of it as a picture."""
    return await _report(record, gateway.reports, extension)


async def _report(record: MeetingRecord, shelf: ReportShelf, extension: str) -> Response:
    """What is built, if it is good enough; else it is ordered, unless it is already."""
    state = await shelf.state(record.meeting)
    content = await shelf.file(record.meeting, extension) if _serves(record, state) else None
    if content is not None:
        name = f'inline; filename="{record.meeting.id}-report.{extension}"'
        headers = {"Content-Disposition": name, "Content-Security-Policy": POLICY}
        return Response(content, media_type=MEDIA_TYPES[extension], headers=headers)
    if not state.ordered:
        if await shelf.has_failed(record.meeting):
            raise ReportFailed(
                f"the report of meeting {record.meeting.id!r} could not be built; see the jobs' logs"
            )
        await shelf.order(record.meeting, unix_ms())
    return Response(
        orjson.dumps(Building("building")), 202, {"Retry-After": str(RETRY_S)}, media_type="application/json"
    )


def _serves(record: MeetingRecord, state: ReportState) -> bool:
    """Of a meeting that ended, the report after its end; of a live one, a recent one."""
    if record.ended:
        return state.ended
    return unix_ms() - state.built_at_ms < FRESH_MS
