"""What services want bots to do in their meetings, on the way to whoever holds the control socket.

One stream for all: commands are few, they matter for seconds, and every ingest process reads them
and picks those of its own bots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.errors import Backlogged
from common.identity import Meeting
from common.streams import keys
from common.streams.client import Client

SPEECH_RATE = 48_000
SPEECH_PIECE_S = 1
LIVE_MS = 15_000
MOST_WAITING = 2_000
_KEPT_S = 60


@dataclass(frozen=True, slots=True)
class Speech:
    """A second or less of speech: mono, s16le, at SPEECH_RATE."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Silence:
    """Say nothing more of what was sent before."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to the bot of a meeting."""

    meeting: Meeting
    what: Speech | Silence


class CommandLog:
    """Sends and follows commands. They reach a bot at most once: who speaks late is not understood."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def send(self, meeting: Meeting, commands: Sequence[Speech | Silence]) -> None:
        """Append commands in order, all or none. Raises Backlogged when too many are under way."""
        seconds, _ = await self._redis.time()
        await self._redis.xtrim(keys.COMMANDS, minid=seconds * 1000 - LIVE_MS, approximate=False)
        if await self._redis.xlen(keys.COMMANDS) + len(commands) > MOST_WAITING:
            raise Backlogged("bots have too much to say already; try again in some seconds")
        async with self._redis.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.xadd(keys.COMMANDS, _encode(meeting, command))
            pipeline.expire(keys.COMMANDS, _KEPT_S)
            await pipeline.execute()

    async def newest(self) -> str:
        """The position after all commands so far."""
        last = await self._redis.xrevrange(keys.COMMANDS, count=1)
        return str(last[0][0].decode()) if last else "0-0"

    async def follow(self, after: str, *, block_ms: int = 1000) -> list[tuple[str, Command]]:
        """Commands after a position, each with its own; waits some time for the first."""
        reply = await self._redis.xread({keys.COMMANDS: after}, count=64, block=block_ms)
        return [(entry_id.decode(), _decode(fields)) for _, entries in reply for entry_id, fields in entries]


def _encode(meeting: Meeting, command: Speech | Silence) -> dict[str, str | bytes]:
    pcm = command.pcm if isinstance(command, Speech) else b""
    return {"meeting": f"{meeting.tenant}/{meeting.id}", "pcm": pcm}


def _decode(fields: Mapping[bytes, bytes]) -> Command:
    tenant, _, name = fields[b"meeting"].decode().partition("/")
    pcm = fields[b"pcm"]
    return Command(Meeting(tenant, name), Speech(pcm) if pcm else Silence())
