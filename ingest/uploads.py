"""Audio in the body of an HTTP request, whole or as it is made."""

from collections.abc import AsyncGenerator
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from common.audio import SAMPLE_RATE
from common.errors import InvalidInput
from common.identity import Meeting, Speaker, parse_meeting, parse_speaker
from common.settings import IngestSettings
from ingest import metrics
from ingest.door import Door, Visitor
from ingest.formats.l16 import L16Reader, parse_media_type
from ingest.formats.values import Audio
from ingest.formats.wav import WavReader
from ingest.meetings import Meetings
from ingest.refusals import Reason, Refused, shown
from ingest.sources import MIXED, Caller, Session
from ingest.throttle import Pacing

_WAV = {"audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"}


class Reader(Protocol):
    """Audio from the pieces of a body."""

    def push(self, piece: bytes) -> Audio | None:
        """Whole frames of what has come. Raises Refused."""

    def finish(self) -> None:
        """The body is over. Raises Refused if that was too early."""


class Uploads:
    """What answers POST `/v1/meetings/{meeting_id}/audio`."""

    def __init__(self, meetings: Meetings, door: Door, settings: IngestSettings) -> None:
        self._meetings = meetings
        self._door = door
        self._settings = settings

    async def post(self, request: Request) -> JSONResponse:
        """Take the body as the audio of one track; answers with what was taken."""
        upload = _Upload(self._meetings, Pacing(self._settings, "http"))
        try:
            async with self._door.visited(request) as visitor:
                meeting = parse_meeting(visitor.grant.tenant, request.path_params["meeting_id"])
                pieces = _read(request, _reader_for(request.headers.get("content-type", "")), visitor)
                async with self._door.hearing(meeting, visitor.grant):
                    await upload.run(_speaker(request), meeting, pieces)
        except ClientDisconnect:
            return JSONResponse({}, 400)
        except InvalidInput as error:
            return _refusal(error, upload.samples)
        return JSONResponse(
            {"meeting": meeting.id, "samples": upload.samples, "seconds": upload.samples / SAMPLE_RATE}
        )


class _Upload:
    """One request."""

    def __init__(self, meetings: Meetings, pacing: Pacing) -> None:
        self._meetings = meetings
        self._pacing = pacing
        self._frames = 0
        self._rate = SAMPLE_RATE

    @property
    def samples(self) -> int:
        """Canonical samples taken."""
        return self._frames * SAMPLE_RATE // self._rate

    async def run(self, speaker: Speaker, meeting: Meeting, pieces: AsyncGenerator[Audio]) -> None:
        session, finished = None, False
        try:
            async for audio in pieces:
                session = session or await self._join(Caller(meeting, audio.format, speaker, can_wait=True))
                await self._pacing.keep(audio)
                await session.take(audio)
                self._frames += len(audio.pcm) // audio.format.frame_bytes
                self._rate = audio.format.rate
            finished = True
        finally:
            await pieces.aclose()
            if session is not None:
                self._meetings.leave(session, finished=finished)
        if session is not None:
            await session.written()

    async def _join(self, caller: Caller) -> Session:
        if self._meetings.is_sending(caller):
            raise Refused(
                Reason.CONFLICT, f"speaker {shown(caller.speaker.id)} of this meeting is sending already"
            )
        return await self._meetings.join(caller, _leave_it_to_take)


async def _read(request: Request, reader: Reader, visitor: Visitor) -> AsyncGenerator[Audio]:
    """The body as audio. Raises Refused."""
    async for piece in request.stream():
        visitor.check()
        metrics.BYTES.labels("http").inc(len(piece))
        audio = reader.push(piece)
        if audio is not None:
            yield audio
    reader.finish()


async def _leave_it_to_take(_: Refused) -> None:
    """A superseded upload learns of it when it next has audio."""


def _speaker(request: Request) -> Speaker:
    """From the query: `speaker_id`, `speaker_name`."""
    speaker_id, name = (request.query_params.get(key, "") for key in ("speaker_id", "speaker_name"))
    return parse_speaker(speaker_id or name, name) if speaker_id or name else MIXED


def _reader_for(content_type: str) -> Reader:
    """By the media type. Raises Refused."""
    name, *parameters = (part.strip() for part in content_type.split(";"))
    if name.lower() in _WAV:
        return WavReader()
    if name.lower() == "audio/l16":
        pairs = (parameter.partition("=") for parameter in parameters)
        return L16Reader(
            parse_media_type({key.strip().lower(): value.strip(' "') for key, _, value in pairs})
        )
    raise Refused(
        Reason.MESSAGE_TYPE, f"content type {shown(content_type)}: want audio/wav or audio/L16;rate=…"
    )


def _refusal(error: InvalidInput, samples: int) -> JSONResponse:
    refused = error if isinstance(error, Refused) else Refused(Reason.NAME, str(error))
    metrics.REFUSALS.labels("http", refused.reason).inc()
    body = {"error": {"reason": refused.reason, "message": str(refused)}, "samples": samples}
    # Of an upload without end the rest would be read; of others it is, so that they hear the answer.
    headers = {"Connection": "close"} if refused.reason is Reason.UNAUTHORIZED and samples else None
    return JSONResponse(body, refused.status, headers)
