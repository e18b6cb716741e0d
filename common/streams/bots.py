"""Bots that were sent into meetings: whose audio they bring, and where their control socket is held."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from common.errors import InvalidInput
from common.identity import Meeting, parse_meeting
from common.streams import keys
from common.streams.client import Client

KEPT_S = 86_400
CONTROL_KEPT_MS = 15_000
"""A control socket whose process says nothing for so long is gone with it."""

_DIGEST = "digest:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot on its way to a meeting or in it, one for each meeting.

    `id` is MeetStream's name for it, empty until MeetStream has answered. `request` names the
    request that it was sent for, so that a repeated one sends no second bot.
    """

    meeting: Meeting
    id: str
    name: str
    request: str
    asked_at_ms: int


class BotLog:
    """Keeps a record of each bot, and knows it by the token in the addresses that it dials.

    A token names its meeting and carries a secret of 256 bits, of which only the SHA-256 is
    stored: for a secret that nobody can guess a slow hash would gain nothing.
    """

    def __init__(self, redis: Client, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def claim(self, bot: Bot, *, kept_s: int = KEPT_S) -> Bot:
        """Take the meeting for a bot unless it has one; returns the one it has then."""
        key = self._key(bot.meeting)
        async with self._redis.pipeline(transaction=True) as pipeline:
            for name, value in _fields(bot).items():
                pipeline.hsetnx(key, name, value)
            pipeline.expire(key, kept_s, nx=True)
            pipeline.hgetall(key)
            *_, stored = await pipeline.execute()
        return _parse(bot.meeting, stored)

    async def new_token(self, bot: Bot) -> str:
        """A token that stands for a claimed bot in an address; others of the same bot stay good."""
        secret = secrets.token_urlsafe(32)
        await self._redis.hset(self._key(bot.meeting), _DIGEST + _digest(secret), "1")
        name = f"{bot.meeting.tenant}/{bot.meeting.id}".encode()
        return f"{urlsafe_b64encode(name).rstrip(b'=').decode()}.{secret}"

    async def name(self, meeting: Meeting, bot_id: str) -> None:
        """Note what MeetStream calls the bot."""
        await self._redis.hset(self._key(meeting), "id", bot_id)

    async def forget(self, meeting: Meeting) -> None:
        """The bot is gone or never came: its tokens are worth nothing from now on."""
        await self._redis.delete(self._key(meeting), self._control_key(meeting))

    async def find(self, meeting: Meeting) -> Bot | None:
        """The bot of a meeting, if it has one."""
        stored = await self._redis.hgetall(self._key(meeting))
        return _parse(meeting, stored) if b"request" in stored else None

    async def by_token(self, token: str) -> Bot | None:
        """Whom a token stands for, if anybody."""
        name, _, secret = token.partition(".")
        try:
            meeting = _named(name)
        except (ValueError, InvalidInput):
            return None
        stored = await self._redis.hgetall(self._key(meeting))
        wanted = _digest(secret)
        known = [field.decode().removeprefix(_DIGEST) for field in stored]
        if b"request" not in stored or not any(hmac.compare_digest(wanted, digest) for digest in known):
            return None
        return _parse(meeting, stored)

    async def hold_control(self, meeting: Meeting, member: str) -> None:
        """Say that this process holds the bot's control socket; to be repeated within CONTROL_KEPT_MS."""
        await self._redis.set(self._control_key(meeting), member, px=CONTROL_KEPT_MS)

    async def is_controlled(self, meeting: Meeting) -> bool:
        """Whether some process holds the bot's control socket."""
        return bool(await self._redis.exists(self._control_key(meeting)))

    def _key(self, meeting: Meeting) -> str:
        return keys.bot(meeting.shard(self._shards), meeting)

    def _control_key(self, meeting: Meeting) -> str:
        return keys.bot_control(meeting.shard(self._shards), meeting)


def _named(name: str) -> Meeting:
    tenant, _, meeting_id = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode().partition("/")
    return parse_meeting(tenant, meeting_id)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _fields(bot: Bot) -> dict[str, str]:
    return {"request": bot.request, "id": bot.id, "name": bot.name, "asked_at_ms": str(bot.asked_at_ms)}


def _parse(meeting: Meeting, stored: Mapping[bytes, bytes]) -> Bot:
    return Bot(
        meeting=meeting,
        id=stored[b"id"].decode(),
        name=stored[b"name"].decode(),
        request=stored[b"request"].decode(),
        asked_at_ms=int(stored[b"asked_at_ms"]),
    )
