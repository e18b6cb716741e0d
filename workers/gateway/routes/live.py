"""Results as they happen: server-sent events and a WebSocket, which both resume by position."""

from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket

from common.streams.audio_log import MeetingRecord
from workers.gateway.access import while_admitted
from workers.gateway.event_stream import EventStream
from workers.gateway.failures import FailureBody
from workers.gateway.feed import Steps
from workers.gateway.gateway import Gateway, Here, Known, gateway_of
from workers.gateway.parameters import Types, chosen_types
from workers.gateway.position import NOW, beginning_of, place
from workers.gateway.websocket import serve_socket

router = APIRouter(prefix="/v1/meetings", tags=["live"])

After = Annotated[
    str,
    Query(description="Position to go on from: the id of the last result read, `$` for now; else the start."),
]
LastEventId = Annotated[str, Header(description="As browsers send it on reconnecting; goes before `after`.")]


@router.get(
    "/{meeting_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "One event per result, its type as name"},
        "4XX": {"model": FailureBody},
    },
)
async def get_events(
    request: Request,
    record: Known,
    *,
    after: After = "",
    types: Types = "",
    last_event_id: LastEventId = "",
) -> Response:
    """The results of a meeting, stored ones first, then live; the event's id is its position.

    A reader that lags too far behind gets an event `overflow` and the end of the stream, one on a
    gateway that goes down an event `closing`; either reconnects and misses nothing.
    """
    gateway = gateway_of(request)
    steps = while_admitted(_steps(gateway, record, last_event_id or after), request)
    return EventStream(gateway.fanout, steps, chosen_types(types))


@router.websocket("/{meeting_id}/live")
async def live(
    websocket: WebSocket, record: Known, gateway: Here, after: After = "", types: Types = ""
) -> None:
    """The same over a WebSocket: `{"id": position, "type": …, "result": {…}}` a message."""
    steps, chosen = while_admitted(_steps(gateway, record, after), websocket), chosen_types(types)
    with gateway.fanout.admit():
        await websocket.accept()
        async with aclosing(steps):
            await serve_socket(websocket, steps, chosen)


def _steps(gateway: Gateway, record: MeetingRecord, after: str) -> Steps:
    if after and after != NOW:
        place(after)
    return gateway.feed.follow(record.meeting, after=after or beginning_of(record))
