"""The wire formats as their clients speak them."""

from base64 import b64encode
from typing import Protocol

import orjson

from common.identity import Speaker
from ingest.formats.meetstream import NO_SPEAKER, PCM_FRAME
from ingest.player.programme import Piece

_MEETSTREAM_RATE = 48_000
_NOBODY = Speaker(NO_SPEAKER, NO_SPEAKER)


class Wire(Protocol):
    """One way to send a meeting."""

    @property
    def rate(self) -> int | None:
        """The sample rate it needs, if it needs one."""

    @property
    def acknowledged(self) -> bool:
        """Whether the server says which messages it has, so that the others can be sent again."""

    def path(self, meeting: str) -> str:
        """Where it connects."""

    def opening(self, meeting: str, rate: int) -> str:
        """The first message."""

    def message(self, piece: Piece, number: int, captured_ms: int) -> bytes | str:
        """A message of audio; they are numbered from 1."""

    @property
    def closing(self) -> str | None:
        """The last message, after which the server closes; None where the client just closes."""


class BinaryWire:
    """Hubbub's own protocol, with bare PCM."""

    rate = None
    acknowledged = False
    closing = '{"type":"end"}'

    def path(self, meeting: str) -> str:
        """See Wire."""
        return f"/v1/meetings/{meeting}/audio"

    def opening(self, meeting: str, rate: int) -> str:  # its path names the meeting
        """See Wire."""
        return orjson.dumps(
            {"type": "start", "sample_rate": rate, "encoding": "pcm_s16le", "channels": 1}
        ).decode()

    def message(self, piece: Piece, number: int, captured_ms: int) -> bytes | str:
        """See Wire."""
        return piece.pcm.tobytes()


class JsonWire(BinaryWire):
    """Hubbub's own protocol, with numbered messages in JSON, which are acknowledged."""

    acknowledged = True

    def message(self, piece: Piece, number: int, captured_ms: int) -> bytes | str:
        """See Wire."""
        audio = b64encode(piece.pcm.tobytes()).decode()
        fields = {"type": "audio", "seq": number, "timestamp_ms": captured_ms, "audio": audio}
        return orjson.dumps(fields).decode()


class MeetStreamWire:
    """MeetStream's bot, dialling in."""

    rate = _MEETSTREAM_RATE
    acknowledged = False
    closing = None

    def path(self, meeting: str) -> str:
        """See Wire."""
        return f"/{meeting}/v1/meetstream/audio"

    def opening(self, meeting: str, rate: int) -> str:
        """See Wire."""
        return orjson.dumps(
            {"type": "ready", "bot_id": meeting, "message": "Ready to receive messages"}
        ).decode()

    def message(self, piece: Piece, number: int, captured_ms: int) -> bytes | str:
        """See Wire."""
        return encode_frame(piece.speaker or _NOBODY, piece.pcm.tobytes())


def encode_frame(speaker: Speaker, pcm: bytes) -> bytes:
    """A frame as `ingest.formats.meetstream` describes it."""
    fields = (speaker.id.encode(), speaker.name.encode())
    head = b"".join(len(field).to_bytes(2, "little") + field for field in fields)
    return bytes([PCM_FRAME]) + head + pcm


WIRES: dict[str, Wire] = {"meetstream": MeetStreamWire(), "binary": BinaryWire(), "json": JsonWire()}
