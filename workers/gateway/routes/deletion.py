"""Deleting a meeting."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from common.identity import Meeting, parse_meeting
from common.streams.audit import traceless
from workers.gateway.access import Admin
from workers.gateway.failures import FailureBody, UnknownMeeting
from workers.gateway.gateway import Here
from workers.gateway.views import DeletionView

router = APIRouter(prefix="/v1/meetings", tags=["meetings"], responses={"4XX": {"model": FailureBody}})


async def administered(meeting_id: str, admin: Admin) -> Meeting:
    """The meeting that the path names, for who may delete it. Raises InvalidInput."""
    return parse_meeting(admin.tenant, meeting_id)


Administered = Annotated[Meeting, Depends(administered)]


@router.delete("/{meeting_id}", status_code=202, response_model=DeletionView)
async def delete_meeting(meeting: Administered, admin: Admin, gateway: Here) -> JSONResponse:
    """Delete a meeting with all that is known of it; a bot in it is called back.

    It is unknown from now on, and takes no more audio. What the stages have of it in hand follows
    within minutes; until then the answer to this request is the same, and 404 afterwards.
    """
    is_under_way = meeting in await gateway.erasure.under_way()
    if not is_under_way:
        await gateway.audit.record(admin.name, "meeting.delete", subject=traceless(meeting))
        bot = await gateway.bots.find(meeting)
        if bot is not None:
            await gateway.bots.call_back(bot)
        if not await gateway.erasure.begin(meeting) and bot is None:
            raise UnknownMeeting(f"meeting {meeting.id!r}: unknown, or older than results are kept")
    await gateway.erasure.advance(meeting)
    return JSONResponse({"meeting": meeting.id, "state": "deleting"}, 202)
