"""What the routes of one process share, and how they get at it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from common.access import Access
from common.identity import Meeting, parse_meeting
from common.settings import GatewaySettings
from common.streams.audio_log import MeetingRecord
from common.streams.audit import AuditLog
from common.streams.bots import Bot
from common.streams.erasure import Erasure
from common.streams.meeting_reports import ReportShelf
from common.streams.result_log import ResultLog
from workers.gateway.access import Sender, Tenant
from workers.gateway.bots import BotDesk
from workers.gateway.failures import UnknownBot, UnknownMeeting
from workers.gateway.fanout import Fanout
from workers.gateway.feed import Feed
from workers.gateway.lessons import LessonDesk
from workers.gateway.lookout import Lookout
from workers.gateway.pulse import Pulse
from workers.gateway.tailer import Tailer
from workers.gateway.webhooks import WebhookDesk


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
    bots: BotDesk
    webhooks: WebhookDesk
    lessons: LessonDesk
    erasure: Erasure
    audit: AuditLog
    reports: ReportShelf


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The gateway that serves a request."""
    gateway: Gateway = connection.app.state.gateway
    return gateway


Here = Annotated[Gateway, Depends(gateway_of)]


def named_meeting(meeting_id: str, tenant: Tenant) -> Meeting:
    """The meeting that the path names, known or not. Raises InvalidInput."""
    return parse_meeting(tenant, meeting_id)


Named = Annotated[Meeting, Depends(named_meeting)]


async def known_meeting(meeting: Named, gateway: Here) -> MeetingRecord:
    """What is known of the meeting that the path names. Raises InvalidInput or UnknownMeeting.

    One that a bot was sent to is known before its first audio, so that readers can wait for it.
    """
    record = await gateway.results.meeting(meeting)
    if record is not None:
        return record
    bot = await gateway.bots.find(meeting)
    if bot is None:
        raise UnknownMeeting(f"meeting {meeting.id!r}: unknown, or older than results are kept")
    return MeetingRecord(meeting, bot.asked_at_ms, None, ends={}, counters={})


Known = Annotated[MeetingRecord, Depends(known_meeting)]


async def bot_of(meeting: Meeting, gateway: Gateway) -> Bot:
    """The bot of a meeting. Raises UnknownBot."""
    bot = await gateway.bots.find(meeting)
    if bot is None:
        raise UnknownBot(f"meeting {meeting.id!r}: no bot was sent to it, or it has left")
    return bot


async def seen_bot(meeting: Named, gateway: Here) -> Bot:
    """For who may read: the bot of the meeting in the path. Raises InvalidInput or UnknownBot."""
    return await bot_of(meeting, gateway)


async def led_bot(meeting_id: str, sender: Sender, gateway: Here) -> Bot:
    """The same for who may bring audio in, and so may send bots and call them back."""
    return await bot_of(parse_meeting(sender.tenant, meeting_id), gateway)


SeenBot = Annotated[Bot, Depends(seen_bot)]
LedBot = Annotated[Bot, Depends(led_bot)]
