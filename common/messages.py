"""What travels between stages: the glossary of Hubbub, and its msgpack codec.

Every message is a frozen value with a version. Positions (`offset`, `start`, `end`) are sample
counts on the meeting's timeline; `captured_ms` is the Unix time at which the last sample of the
payload was captured.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

import msgpack

from common.audio import SAMPLES_PER_MS, sample_count
from common.errors import InvalidMessage
from common.identity import Meeting, Speaker, Track

VERSION = 1

TrackPause = Literal["", "pause", "end"]
UtteranceEnd = Literal["", "endpoint", "split", "pause", "end", "timeout"]
Payload = Literal["log_mel_f16", "pcm_s16le"]
Due = Literal["", "partial", "final"]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """20 to 100 ms of one track, on the stream `audio`.

    `pause` says that nothing follows without a hole: the label moved to another speaker
    ("pause") or the track is over ("end"). Such a chunk may have no samples.
    """

    track: Track
    offset: int
    captured_ms: int
    pcm: bytes
    pause: TrackPause = ""

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self.offset + sample_count(self.pcm)


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of an utterance, on the stream `speech`.

    The pieces of an utterance follow each other without a hole; the first begins at `start` and
    carries the pre-roll, the last has `closed` set and may have no samples. `voiced_end` is the
    end of speech so far, so `end - voiced_end` is the silence that may become an endpoint.
    `continues` is set, on the first piece, when the utterance before was split for its length alone.
    """

    track: Track
    utterance: str
    start: int
    offset: int
    voiced_end: int
    captured_ms: int
    pcm: bytes
    closed: UtteranceEnd = ""
    continues: bool = False

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self.offset + sample_count(self.pcm)

    @property
    def voiced_end_captured_ms(self) -> int:
        """The Unix time at which the last voiced sample was captured."""
        return self.captured_ms - (self.end - self.voiced_end) // SAMPLES_PER_MS


@dataclass(frozen=True, slots=True)
class Window:
    """New acoustic features of an utterance, and what is due with them, on the stream `windows`.

    Windows of an utterance follow each other without a hole; whoever transcribes keeps those
    before. `payload` holds the features of the samples from `offset` to `end` in the `encoding`
    that the engine asked for.
    """

    track: Track
    utterance: str
    start: int
    offset: int
    end: int
    voiced_end: int
    captured_ms: int
    encoding: Payload
    payload: bytes
    due: Due = ""
    continues: bool = False

    @property
    def voiced_end_captured_ms(self) -> int:
        """The Unix time at which the last voiced sample was captured."""
        return self.captured_ms - (self.end - self.voiced_end) // SAMPLES_PER_MS


Message = AudioChunk | SpeechChunk | Window
_TYPES: dict[str, type[Message]] = {"audio": AudioChunk, "speech": SpeechChunk, "window": Window}
_NAMES: dict[type[Message], str] = {cls: name for name, cls in _TYPES.items()}
_HEAD = (str,) * 5


def _kinds(cls: type[Message]) -> tuple[Any, ...]:
    """What each field after the track may be: a type, or words."""
    hints = get_type_hints(cls)
    return tuple(frozenset(get_args(hints[f])) or hints[f] for f in cls.__slots__[1:])


_READERS = {name: (cls, _kinds(cls)) for name, cls in _TYPES.items()}


def pack(message: Message) -> bytes:
    """Encode for a stream between stages: [version, type, track…, fields…]."""
    track = message.track
    head = (track.meeting.tenant, track.meeting.id, track.id, track.speaker.id, track.speaker.name)
    fields = [getattr(message, name) for name in message.__slots__[1:]]
    packed: bytes = msgpack.packb([VERSION, _NAMES[type(message)], head, *fields])
    return packed


def unpack(packed: bytes) -> Message:
    """Decode what `pack` wrote. Raises InvalidMessage, which names both versions where they differ."""
    try:
        decoded = msgpack.unpackb(packed)
        version = decoded[0]
        if version != VERSION:
            raise InvalidMessage(f"message version {version!r}: this process reads {VERSION}")
        _, name, head, *fields = decoded
        cls, kinds = _READERS[name]
        _check_kinds((*head, *fields), (*_HEAD, *kinds))
        tenant, meeting, track_id, speaker_id, speaker_name = head
        track = Track(Meeting(tenant, meeting), track_id, Speaker(speaker_id, speaker_name))
        return cls(track, *fields)
    except (ValueError, TypeError, LookupError, msgpack.UnpackException) as error:
        raise InvalidMessage(f"unreadable message of {len(packed)} bytes: {error!r}") from error


def _check_kinds(values: tuple[Any, ...], kinds: tuple[Any, ...]) -> None:
    for value, kind in zip(values, kinds, strict=True):
        if type(value) is not kind and (type(kind) is not frozenset or value not in kind):
            raise TypeError(f"{value!r:.80}: want {kind}")
