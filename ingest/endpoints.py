"""The WebSocket endpoints: Hubbub's own protocol, and MeetStream's two sockets."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog
from starlette.websockets import WebSocket

from common.audio import samples_to_ms
from common.identity import Meeting, parse_meeting
from common.settings import IngestSettings
from ingest import metrics
from ingest.bots import Bots
from ingest.door import Door, Visitor
from ingest.formats import meetstream
from ingest.formats.generic import GenericDecoder
from ingest.formats.values import Audio, Ready, Skipped, Start
from ingest.labels import NOBODY
from ingest.meetings import Meetings
from ingest.notices import Gap
from ingest.pcm import PcmFormat
from ingest.refusals import Reason, Refused, shown
from ingest.sockets import NORMAL, Gone, Socket, accepted
from ingest.sources import MIXED, Caller, Session
from ingest.throttle import Pacing

log = structlog.get_logger()


class Endpoints:
    """What answers on the WebSocket routes."""

    def __init__(self, meetings: Meetings, settings: IngestSettings, bots: Bots, door: Door) -> None:
        self._meetings = meetings
        self._bots = bots
        self._door = door
        self._settings = settings
        self._meetstream_format = PcmFormat(settings.meetstream_rate)

    async def generic(self, websocket: WebSocket, visitor: Visitor) -> None:
        """`/v1/meetings/{meeting_id}/audio`."""
        async with accepted(websocket, "generic") as socket:
            visitor.evict = socket.refuse
            meeting = parse_meeting(visitor.grant.tenant, websocket.path_params["meeting_id"])
            decoder = GenericDecoder()
            start = decoder.decode(await socket.first(self._settings.start_timeout_s))
            assert isinstance(start, Start)
            caller = Caller(meeting, start.format, start.speaker or MIXED)
            async with self._joined(caller, socket, visitor) as session:
                await _listen(socket, decoder, session, Pacing(self._settings, "generic"))
            await session.written()
            await socket.close(NORMAL)

    async def meetstream_audio(self, websocket: WebSocket, visitor: Visitor) -> None:
        """`[/{bot_id}]/v1/meetstream/audio[/{token}]`: MeetStream's bot dials in."""
        async with accepted(websocket, "meetstream") as socket:
            bot_id, meeting = await self._handshake(socket, websocket, visitor)
            mixed = self._settings.meetstream_streams == "mixed"
            caller = Caller(meeting, self._meetstream_format, NOBODY, mixed)
            pacing = Pacing(self._settings, "meetstream")
            async with self._joined(caller, socket, visitor) as session:
                while True:
                    message = self._meetstream_message(await socket.receive(), bot_id)
                    if isinstance(message, Audio):
                        await _take(session, message, pacing)

    async def meetstream_control(self, websocket: WebSocket, visitor: Visitor) -> None:
        """`[/{bot_id}]/v1/meetstream/control[/{token}]`: the bot's control socket."""
        async with accepted(websocket, "control") as socket:
            bot_id, meeting = await self._handshake(socket, websocket, visitor)
            await socket.send({"command": "ack", "bot_id": bot_id, "message": "control channel bound"})
            await _until_one_ends(
                _log_messages(socket, bot_id),
                self._bots.speak(socket, meeting, bot_id),
                self._bots.hold(meeting),
            )

    async def _handshake(self, socket: Socket, websocket: WebSocket, visitor: Visitor) -> tuple[str, Meeting]:
        """The bot's id, from its first message (the address may carry it too), and its meeting."""
        visitor.evict = socket.refuse
        first = await socket.first(self._settings.start_timeout_s)
        message = meetstream.decode(first, self._meetstream_format)
        if not isinstance(message, Ready):
            raise Refused(Reason.UNEXPECTED, f"{shown(first)}: the first message must be ready")
        announced = websocket.path_params.get("bot_id", message.bot_id)
        if announced != message.bot_id:
            raise Refused(Reason.NAME, f"bot_id {shown(message.bot_id)}: the address says {shown(announced)}")
        token = websocket.path_params.get("token", "")
        return message.bot_id, await self._bots.meeting_of(message.bot_id, token, visitor.grant.tenant)

    def _meetstream_message(self, raw: bytes | str, bot_id: str) -> Audio | None:
        match meetstream.decode(raw, self._meetstream_format):
            case Audio() as audio if self._settings.meetstream_streams == "isolated":
                return replace(audio, speaker=audio.speaker or NOBODY)
            case Audio() as audio:
                return audio
            case Skipped():
                metrics.SKIPPED.labels("meetstream").inc()
            case Ready(other) if other != bot_id:
                raise Refused(
                    Reason.UNEXPECTED, f"bot_id {shown(other)}: this connection is of {shown(bot_id)}"
                )
        return None

    @asynccontextmanager
    async def _joined(self, caller: Caller, socket: Socket, visitor: Visitor) -> AsyncIterator[Session]:
        """A source is over when the block ends, or the other side closes in good order."""
        async with (
            self._door.hearing(caller.meeting, visitor.grant),
            self._session(caller, socket) as session,
        ):
            yield session

    @asynccontextmanager
    async def _session(self, caller: Caller, socket: Socket) -> AsyncIterator[Session]:
        session = await self._meetings.join(caller, socket.refuse)
        finished = False
        try:
            yield session
            finished = True
        except Gone as gone:
            finished = gone.finished
            raise
        finally:
            self._meetings.leave(session, finished=finished)


async def _log_messages(socket: Socket, bot_id: str) -> None:
    while True:
        log.info("control_message", bot=bot_id, text=shown(await socket.receive()))


async def _until_one_ends(*jobs: Coroutine[Any, Any, None]) -> None:
    """Work on all at once; what one of them raises ends the others, and is raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _take(session: Session, audio: Audio, pacing: Pacing) -> None:
    """A message's audio, when its turn has come. It was we who kept it waiting."""
    session.source.excuse(await pacing.keep(audio))
    await session.take(audio)


async def _listen(socket: Socket, decoder: GenericDecoder, session: Session, pacing: Pacing) -> None:
    """Hubbub's own protocol, until the source says that it is done."""
    ended = False
    while not ended:
        raw = await socket.receive_within(session.settle_in_ms())
        message = None if raw is None else decoder.decode(raw)
        if isinstance(message, Audio):
            await _take(session, message, pacing)
        else:
            await session.settle()
            ended = message is not None
        for gap in session.dropped():
            await socket.send(_told(gap))
        for seq in session.acknowledged():
            await socket.send({"type": "ack", "seq": seq})


def _told(gap: Gap) -> dict[str, object]:
    return {
        "type": "gap",
        "track": gap.track.id,
        "start_ms": samples_to_ms(gap.start),
        "end_ms": samples_to_ms(gap.end),
        "reason": gap.why,
    }
