"""What the routes of one process share, and how they get at it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from common.access import Access
from common.identity import parse_meeting
from common.settings import GatewaySettings
from common.streams.audio_log import MeetingRecord
from common.streams.result_log import ResultLog
from workers.gateway.access import Tenant
from workers.gateway.failures import UnknownMeeting
from workers.gateway.fanout import Fanout
from workers.gateway.feed import Feed
from workers.gateway.lookout import Lookout
from workers.gateway.pulse import Pulse
from workers.gateway.tailer import Tailer


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway process."""

    settings: GatewaySettings
    access: Access
    results: ResultLog
    fanout: Fanout
    feed: Feed
    tailer: Tailer
    pulse: Pulse
    lookout: Lookout


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The gateway that serves a request."""
    gateway: Gateway = connection.app.state.gateway
    return gateway


Here = Annotated[Gateway, Depends(gateway_of)]


async def known_meeting(meeting_id: str, tenant: Tenant, gateway: Here) -> MeetingRecord:
    """The meeting that the path names. Raises InvalidInput or UnknownMeeting."""
    meeting = parse_meeting(tenant, meeting_id)
    record = await gateway.results.meeting(meeting)
    if record is None:
        raise UnknownMeeting(f"meeting {meeting_id!r}: unknown, or older than results are kept")
    return record


Known = Annotated[MeetingRecord, Depends(known_meeting)]
