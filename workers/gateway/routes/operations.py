"""What operators and tools ask of the process, and the schemas of what it says."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from common.identity import Meeting
from common.results import TYPES, json_schema
from workers.gateway.access import Operator, Tenant
from workers.gateway.failures import FailureBody
from workers.gateway.gateway import Here
from workers.gateway.lookout import Sighting
from workers.gateway.pulse import MeetingPulse


def _shows(example: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    """An answer as it may look, of a route whose schema does not tell."""
    return {200: {"content": {"application/json": {"example": example}}}}


router = APIRouter(tags=["operations"], responses={"4XX": {"model": FailureBody}})


Meetings = Annotated[
    str,
    Query(
        max_length=20_000,
        pattern="^[ -~]*$",  # as ids are: an address longer than these make is no HTTP request
        description="Only these, their ids separated by commas; otherwise all.",
        examples=["standup,weekly"],
    ),
]


@dataclass(frozen=True, slots=True)
class PulseList:
    """The meetings that something was heard of lately, and that have not ended."""

    meetings: tuple[MeetingPulse, ...]


@router.get("/v1/pulse", response_model=PulseList)
async def get_pulse(tenant: Tenant, gateway: Here, meetings: Meetings = "") -> Response:
    """What goes on in the live meetings of the token's tenant: who speaks, level, latency, last text.

    As seen by this process since it started; for a glance at many meetings, again and again.
    """
    pulse = gateway.pulse
    named = (Meeting(tenant, name) for name in dict.fromkeys(meetings.split(",")))
    return _json(PulseList(pulse.of(named) if meetings else pulse.meetings(tenant)))


@router.get("/v1/operations", response_model=Sighting)
async def get_operations(_: Operator, gateway: Here) -> Response:
    """The state of the deployment, at most a second old: processes, owners, lag, dead letters.

    The same as `hubbub status --json`. It names hosts and processes, but no meeting.
    """
    return _json(await gateway.lookout.look())


@router.get("/v1/schemas", responses=_shows({"transcript": "/v1/schemas/transcript"}))
async def list_schemas() -> dict[str, str]:
    """Where the JSON Schema of each type of result is."""
    return {name: f"/v1/schemas/{name}" for name in TYPES}


@router.get("/v1/schemas/{name}", responses=_shows({"title": "Transcript", "type": "object"}))
async def get_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a type of result."""
    if name not in TYPES:
        raise HTTPException(404, f"type {name[:64]!r}: want one of {', '.join(TYPES)}")
    return json_schema(name)


@router.get("/healthz", responses=_shows({"status": "ok"}))
async def is_alive() -> dict[str, str]:
    """That the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={**_shows({"status": "ok"}), 503: {"model": FailureBody}})
async def is_ready(gateway: Here) -> dict[str, str]:
    """That results can be read."""
    if not gateway.tailer.connected:
        raise HTTPException(503, "results cannot be read at the moment")
    return {"status": "ok"}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": "hubbub_gateway_readers 12.0\n"}}}},
)
async def get_metrics(_: Operator) -> Response:
    """Figures in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _json(document: object) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS), media_type="application/json")
