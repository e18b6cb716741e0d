"""The bots that dial in: whose they are, and what they are told to say."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from common.identity import Meeting, parse_meeting
from common.streams.bots import CONTROL_KEPT_MS, BotLog
from common.streams.client import PASSING, check_cancelled
from common.streams.commands import SPEECH_RATE, Command, CommandLog, Silence, Speech
from ingest import metrics
from ingest.refusals import Reason, Refused, shown
from ingest.sockets import Socket

PACE = 0.8
"""Share of a piece's duration to wait before the next: ahead of time, yet never far."""
MOST_PIECES = 180
_PAUSE_S = 1.0
_BYTES_PER_S = 2 * SPEECH_RATE

log = structlog.get_logger()


class Mouth:
    """What one bot is still to say; what does not fit is dropped."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Speech | Silence] = asyncio.Queue(MOST_PIECES)

    def put(self, what: Speech | Silence) -> None:
        """Add something to say, or take back what waits."""
        if isinstance(what, Silence):
            while not self._waiting.empty():
                self._waiting.get_nowait()
        try:
            self._waiting.put_nowait(what)
        except asyncio.QueueFull:
            metrics.UNSPOKEN.inc()

    async def next(self) -> Speech | Silence:
        """Wait for what is next."""
        return await self._waiting.get()


class Bots:
    """The control sockets that this process holds, and the commands for them."""

    def __init__(self, records: BotLog, commands: CommandLog, member: str) -> None:
        self._records = records
        self._commands = commands
        self._member = member
        self._mouths: dict[Meeting, Mouth] = {}

    async def meeting_of(self, bot_id: str, token: str, tenant: str) -> Meeting:
        """The meeting that a bot was sent to; one that Hubbub did not send has its id as meeting.

        That is a meeting of `tenant`. Raises Refused, or InvalidInput for an id that no meeting can have.
        """
        if "." not in token:
            return parse_meeting(tenant, bot_id)
        try:
            bot = await self._records.by_token(token)
        except PASSING as error:
            raise Refused(Reason.UNAVAILABLE, "Redis does not answer: try again later") from error
        if bot is None:
            raise Refused(
                Reason.UNAUTHORIZED, "the address is not, or no longer, that of a bot sent from here"
            )
        if bot.id and bot.id != bot_id:
            raise Refused(Reason.UNAUTHORIZED, f"bot_id {shown(bot_id)}: the address is another bot's")
        return bot.meeting

    async def run(self) -> None:
        """Hand commands to the bots they are for, until cancelled."""
        after: str | None = None
        while True:
            check_cancelled()
            try:
                after = after or await self._commands.newest()
                found = await self._commands.follow(after)
                for position, command in found:
                    self._hand_over(command)
                    after = position
            except PASSING as error:
                log.warning("commands_unreachable", error=str(error))
                await asyncio.sleep(_PAUSE_S)

    def _hand_over(self, command: Command) -> None:
        mouth = self._mouths.get(command.meeting)
        if mouth is not None:
            mouth.put(command.what)

    async def speak(self, socket: Socket, meeting: Meeting, bot_id: str) -> None:
        """Send the bot what it is to say, at the pace of speech, until cancelled. Raises Gone."""
        with self._mouth_of(meeting) as mouth:
            while True:
                what = await mouth.next()
                await socket.send(_message(what, bot_id))
                if isinstance(what, Speech):
                    spoken_s = len(what.pcm) / _BYTES_PER_S
                    metrics.SPOKEN.inc(spoken_s)
                    await asyncio.sleep(PACE * spoken_s)

    async def hold(self, meeting: Meeting) -> None:
        """Let it be known that the bot's control socket is here, until cancelled."""
        while True:
            check_cancelled()
            with suppress(*PASSING):
                await self._records.hold_control(meeting, self._member)
            await asyncio.sleep(CONTROL_KEPT_MS / 3000)

    @contextmanager
    def _mouth_of(self, meeting: Meeting) -> Iterator[Mouth]:
        """A later connection of the same bot takes the place of one before."""
        mouth = self._mouths[meeting] = Mouth()
        try:
            yield mouth
        finally:
            if self._mouths.get(meeting) is mouth:
                del self._mouths[meeting]


def _message(what: Speech | Silence, bot_id: str) -> dict[str, object]:
    if isinstance(what, Silence):
        return {"command": "interrupt", "bot_id": bot_id, "action": "clear_audio_queue"}
    return {
        "command": "sendaudio",
        "bot_id": bot_id,
        "audiochunk": b64encode(what.pcm).decode(),
        "sample_rate": SPEECH_RATE,
        "encoding": "pcm16",
        "channels": 1,
        "endianness": "little",
    }
