"""Hubbub's own WebSocket protocol: `start`, then binary PCM or JSON `audio`, then `end`."""

from ingest.formats.jsontext import Object, parse_base64, parse_label, parse_object, parse_whole
from ingest.formats.values import Audio, End, Start
from ingest.pcm import check_whole_frames, parse_format
from ingest.refusals import Reason, Refused, shown


class GenericDecoder:
    """Messages of one connection, in order. Every method raises Refused."""

    def __init__(self) -> None:
        self._start: Start | None = None
        self._ended = False

    def decode(self, message: bytes | str) -> Start | Audio | End:
        """One WebSocket message."""
        if self._ended:
            raise Refused(Reason.UNEXPECTED, "a message after end: this connection is over")
        if isinstance(message, bytes):
            return self._audio(Audio(message, self._started().format))
        fields = parse_object(message)
        match fields.get("type"):
            case "start":
                return self._open(fields)
            case "audio":
                return self._audio(self._json_audio(fields))
            case "end":
                self._started()
                self._ended = True
                return End()
            case other:
                raise Refused(Reason.MESSAGE_TYPE, f"type {shown(other)}: want start, audio or end")

    def _started(self) -> Start:
        if self._start is None:
            raise Refused(Reason.UNEXPECTED, "the first message must be a start in JSON")
        return self._start

    def _open(self, fields: Object) -> Start:
        if self._start is not None:
            raise Refused(Reason.UNEXPECTED, "a second start: open another connection for another source")
        get = fields.get
        pcm_format = parse_format(get("sample_rate"), get("channels", 1), get("encoding", "pcm_s16le"))
        self._start = Start(pcm_format, parse_label(get("speaker")))
        return self._start

    def _json_audio(self, fields: Object) -> Audio:
        return Audio(
            parse_base64(fields.get("audio"), "audio"),
            self._started().format,
            parse_label(fields.get("speaker")),
            parse_whole(fields.get("seq"), "seq"),
            parse_whole(fields.get("timestamp_ms"), "timestamp_ms"),
        )

    def _audio(self, audio: Audio) -> Audio:
        check_whole_frames(audio.pcm, audio.format)
        return audio
