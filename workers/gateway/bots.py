"""Sending bots into meetings, speaking through them, and calling them back."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2s
from uuid import NAMESPACE_URL, uuid5

from common.clock import unix_ms
from common.errors import HubbubError
from common.identity import Meeting
from common.settings import MeetStreamSettings
from common.streams.bots import KEPT_S, Bot, BotLog
from common.streams.commands import CommandLog, Silence, Speech
from workers.gateway.meetstream import (
    KeyRefused,
    MeetStream,
    Order,
    VendorBusy,
    VendorForgot,
    VendorRefused,
    VendorUnavailable,
)


class BotConflict(HubbubError):
    """The meeting, or its bot, is not in a state in which this can be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The bot that somebody wants in a meeting."""

    link: str
    name: str | None
    greeting: str
    join_at: datetime | None


def new_meeting_id(tenant: str, request: str | None) -> str:
    """A name for a meeting that was given none: the same for the same request."""
    if request is None:
        return f"m-{secrets.token_hex(8)}"
    return f"m-{blake2s(f'{tenant}/{request}'.encode(), digest_size=8).hexdigest()}"


class BotDesk:
    """What a gateway does about bots."""

    def __init__(
        self, records: BotLog, commands: CommandLog, vendor: MeetStream, settings: MeetStreamSettings
    ) -> None:
        self._records = records
        self._commands = commands
        self._vendor = vendor
        self._settings = settings

    async def find(self, meeting: Meeting) -> Bot | None:
        """The bot of a meeting, if one was sent."""
        return await self._records.find(meeting)

    async def send(self, meeting: Meeting, wish: Wish, request: str | None) -> Bot:
        """Send a bot, once for each `request`. Raises BotConflict, NotConfigured or Vendor….

        The record comes first, so that the bot is known however soon it dials in. It stays when
        nobody knows whether MeetStream sent the bot, for the same request to find out.
        """
        self._vendor.check()
        asked = request or secrets.token_hex(16)
        bot = await self._claim(meeting, wish, asked)
        if bot.id:
            return bot
        token = await self._records.new_token(bot)
        key = str(uuid5(NAMESPACE_URL, f"hubbub:{meeting.tenant}/{meeting.id}/{asked}"))
        order = Order(
            link=wish.link, name=bot.name, token=token, greeting=wish.greeting, join_at=wish.join_at
        )
        try:
            bot_id = await self._vendor.create_bot(order, key)
        except (VendorRefused, KeyRefused, VendorForgot, VendorBusy):
            await self._records.forget(meeting)
            raise
        except VendorUnavailable:
            if request is None:
                await self._records.forget(meeting)
            raise
        await self._records.name(meeting, bot_id)
        return replace(bot, id=bot_id)

    async def _claim(self, meeting: Meeting, wish: Wish, request: str) -> Bot:
        now_ms = unix_ms()
        wait_s = max(0, int(wish.join_at.timestamp() - now_ms / 1000)) if wish.join_at else 0
        name = wish.name or self._settings.bot_name
        wanted = Bot(meeting=meeting, id="", name=name, request=request, asked_at_ms=now_ms)
        bot = await self._records.claim(wanted, kept_s=KEPT_S + wait_s)
        if bot.request != request:
            raise BotConflict(
                f"meeting {meeting.id!r} has a bot: let it leave first, or name another meeting"
            )
        return bot

    async def status(self, bot: Bot) -> str:
        """MeetStream's word for what a bot is doing. Raises NotConfigured or Vendor…."""
        return await self._vendor.status(bot.id) if bot.id else ""

    async def can_speak(self, bot: Bot) -> bool:
        """Whether the bot's control socket is connected."""
        return await self._records.is_controlled(bot.meeting)

    async def call_back(self, bot: Bot) -> None:
        """Let a bot leave its meeting; one that is gone already is only forgotten. Raises Vendor…."""
        if bot.id:
            with suppress(VendorForgot):
                await self._vendor.remove_bot(bot.id)
        await self._records.forget(bot.meeting)

    async def write(self, bot: Bot, text: str) -> None:
        """Write into the chat of the bot's meeting. Raises BotConflict, NotConfigured or Vendor…."""
        if not bot.id:
            raise BotConflict(f"the bot of meeting {bot.meeting.id!r} is not on its way yet")
        await self._vendor.send_message(bot.id, text)

    async def speak(self, bot: Bot, pieces: Sequence[Speech]) -> None:
        """Let the bot say something aloud. Raises BotConflict or Backlogged."""
        await self._check_control(bot)
        await self._commands.send(bot.meeting, pieces)

    async def be_silent(self, bot: Bot) -> None:
        """Take back what the bot has not said yet. Raises BotConflict or Backlogged."""
        await self._check_control(bot)
        await self._commands.send(bot.meeting, [Silence()])

    async def _check_control(self, bot: Bot) -> None:
        if not await self.can_speak(bot):
            raise BotConflict(
                f"the bot of meeting {bot.meeting.id!r} is not in the meeting, so it cannot speak"
            )
