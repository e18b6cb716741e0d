"""MeetStream's audio socket: a `ready` handshake, then binary frames labelled with a speaker.

A frame is u8 type (1 is PCM), u16 length and UTF-8 speaker id, u16 length and UTF-8 speaker name,
then s16le mono PCM; integers are little-endian. An older variant sends the same as JSON. The
protocol may grow, so unknown types are skipped; lengths that point outside a frame are refused.
"""

from common.identity import MAX_NAME_LENGTH, Speaker
from ingest.formats.jsontext import parse_base64, parse_object
from ingest.formats.values import Audio, Ready, Skipped
from ingest.pcm import PcmFormat
from ingest.refusals import Reason, Refused, shown

PCM_FRAME = 1
NO_SPEAKER = "NoSpeaker"
_SHORTEST = 5


def decode(message: bytes | str, pcm_format: PcmFormat) -> Ready | Audio | Skipped:
    """One WebSocket message. Raises Refused."""
    if isinstance(message, bytes):
        return _frame(message, pcm_format)
    fields = parse_object(message)
    kind = fields.get("type")
    if kind == "ready":
        return _ready(fields.get("bot_id"))
    if kind == "PCMChunk":
        pcm = parse_base64(fields.get("audioData"), "audioData")
        label = _label(_text(fields.get("speakerId")), _text(fields.get("speakerName")))
        return Audio(_whole(pcm), pcm_format, label)
    return Skipped(f"message type {shown(kind)}")


def _frame(frame: bytes, pcm_format: PcmFormat) -> Audio | Skipped:
    if not frame:
        raise Refused(Reason.FRAME, "an empty frame")
    if frame[0] != PCM_FRAME:
        return Skipped(f"frame type {frame[0]}")
    if len(frame) < _SHORTEST:
        raise Refused(Reason.FRAME, f"a frame of {len(frame)} bytes: shorter than its header")
    speaker_id, after_id = _field(frame, 1, "speaker id")
    name, after_name = _field(frame, after_id, "speaker name")
    return Audio(_whole(frame[after_name:]), pcm_format, _label(speaker_id, name))


def _field(frame: bytes, at: int, what: str) -> tuple[str, int]:
    """Text with its length before it, and where it ends."""
    start = at + 2
    end = start + int.from_bytes(frame[at:start], "little")
    if len(frame) < start or len(frame) < end:
        raise Refused(Reason.FRAME, f"{what} ends at byte {end} of a frame of {len(frame)} bytes")
    return frame[start:end].decode(errors="replace"), end


def _whole(pcm: bytes) -> bytes:
    """Without an odd byte at the end, which no source is known to mean anything by."""
    return pcm if len(pcm) % 2 == 0 else pcm[:-1]


def _label(speaker_id: str, name: str) -> Speaker | None:
    """Nobody where the platform does not know yet."""
    speaker_id, name = speaker_id[:MAX_NAME_LENGTH], name[:MAX_NAME_LENGTH]
    if NO_SPEAKER in {speaker_id, name} or not (speaker_id or name):
        return None
    return Speaker(speaker_id or name, name or speaker_id)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _ready(bot_id: object) -> Ready:
    if not isinstance(bot_id, str) or not bot_id:
        raise Refused(Reason.NAME, f"bot_id {shown(bot_id)}: want text")
    return Ready(bot_id)
