"""Audio in the body of an HTTP request, whole or as it is made."""

from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from common.audio import SAMPLE_RATE
from common.errors import InvalidInput
from common.identity import DEFAULT_TENANT, Meeting, Speaker, parse_meeting, parse_speaker
from ingest import metrics
from ingest.formats.l16 import L16Reader, parse_media_type
from ingest.formats.values import Audio
from ingest.formats.wav import WavReader
from ingest.meetings import Meetings
from ingest.refusals import Reason, Refused, shown
from ingest.sources import MIXED, Caller, Session

_WAV = {"audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"}
_STATUS = {
    Reason.CONFLICT: 409,
    Reason.SUPERSEDED: 409,
    Reason.ENDED: 409,
    Reason.UNAVAILABLE: 503,
}
_UNSUPPORTED_MEDIA_TYPE = 415


class Reader(Protocol):
    """Audio from the pieces of a body."""

    def push(self, piece: bytes) -> Audio | None:
        """Whole frames of what has come. Raises Refused."""

    def finish(self) -> None:
        """The body is over. Raises Refused if that was too early."""


class Uploads:
    """What answers POST `/v1/meetings/{meeting_id}/audio`."""

    def __init__(self, meetings: Meetings) -> None:
        self._meetings = meetings

    async def post(self, request: Request) -> JSONResponse:
        """Take the body as the audio of one track; answers with what was taken."""
        upload = _Upload(self._meetings)
        try:
            meeting = parse_meeting(DEFAULT_TENANT, request.path_params["meeting_id"])
            reader = _reader_for(request.headers.get("content-type", ""))
            await upload.run(request, meeting, reader)
        except ClientDisconnect:
            return JSONResponse({}, 400)
        except InvalidInput as error:
            return _refusal(error, upload.samples)
        return JSONResponse(
            {"meeting": meeting.id, "samples": upload.samples, "seconds": upload.samples / SAMPLE_RATE}
        )


class _Upload:
    """One request."""

    def __init__(self, meetings: Meetings) -> None:
        self._meetings = meetings
        self._frames = 0
        self._rate = SAMPLE_RATE

    @property
    def samples(self) -> int:
        """Canonical samples taken."""
        return self._frames * SAMPLE_RATE // self._rate

    async def run(self, request: Request, meeting: Meeting, reader: Reader) -> None:
        speaker, session = _speaker(request), None
        finished = False
        try:
            async for piece in request.stream():
                metrics.BYTES.labels("http").inc(len(piece))
                audio = reader.push(piece)
                if audio is not None:
                    session = session or await self._join(
                        Caller(meeting, audio.format, speaker, can_wait=True)
                    )
                    await session.take(audio)
                    self._frames += len(audio.pcm) // audio.format.frame_bytes
                    self._rate = audio.format.rate
            finished = True
            reader.finish()
        finally:
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
    reason = error.reason if isinstance(error, Refused) else Reason.NAME
    metrics.REFUSALS.labels("http", reason).inc()
    status = _UNSUPPORTED_MEDIA_TYPE if reason is Reason.MESSAGE_TYPE else _STATUS.get(reason, 400)
    return JSONResponse({"error": {"reason": reason, "message": str(error)}, "samples": samples}, status)
