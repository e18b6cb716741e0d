"""What is read aloud in a meeting, for feedback on its pronunciation."""

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from common.results import Reference
from workers.gateway.access import Sender
from workers.gateway.failures import FailureBody, UnknownMeeting
from workers.gateway.gateway import Here, named_meeting

router = APIRouter(
    prefix="/v1/meetings",
    tags=["coaching"],
    responses={"4XX": {"model": FailureBody}, "5XX": {"model": FailureBody}},
)


class ReferenceRequest(BaseModel):
    """A text that is read aloud from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(max_length=50_000, description="An empty text ends the comparison.")
    speaker: str = Field("", max_length=200, description="Id of the speaker who reads; empty for all.")


@router.put("/{meeting_id}/reference", response_model=Reference)
async def set_reference(meeting_id: str, sender: Sender, gateway: Here, wish: ReferenceRequest) -> Response:
    """Compare what is said from now on with a text; feedback comes as results of type `coaching`."""
    meeting = named_meeting(meeting_id, sender.tenant)
    record = await gateway.results.meeting(meeting)
    if record is None:
        raise UnknownMeeting(f"meeting {meeting.id!r}: unknown, or older than results are kept")
    reference = await gateway.lessons.set_reference(record, wish.text, wish.speaker)
    return Response(orjson.dumps(reference), media_type="application/json")
