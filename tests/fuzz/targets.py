"""What bytes can reach, each as a function that may raise its documented error and nothing else."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from common.errors import InvalidInput, InvalidMessage
from common.messages import pack, unpack
from common.results import from_json, to_json
from common.streams.codec import decode
from ingest.formats import meetstream
from ingest.formats.generic import GenericDecoder
from ingest.formats.l16 import L16Reader
from ingest.formats.values import Audio
from ingest.formats.wav import WavReader
from ingest.pcm import PcmFormat, to_mono

Target = Callable[[bytes], None]
_START = '{"type":"start","sample_rate":16000,"channels":2,"encoding":"pcm_s24le"}'
_FORMAT = PcmFormat(16_000)


def generic_binary(data: bytes) -> None:
    """A binary message of an opened connection."""
    decoder = GenericDecoder()
    decoder.decode(_START)
    _check(decoder.decode(data))


def generic_json(data: bytes) -> None:
    """Text messages, a line each, of a new connection and of an opened one."""
    for opened in (False, True):
        decoder = GenericDecoder()
        if opened:
            decoder.decode(_START)
        for line in data.decode("utf-8", "surrogateescape").split("\n"):
            with suppress(InvalidInput):
                _check(decoder.decode(line))


def meetstream_frame(data: bytes) -> None:
    """A binary frame."""
    _check(meetstream.decode(data, _FORMAT))


def meetstream_json(data: bytes) -> None:
    """A text message."""
    _check(meetstream.decode(data.decode("utf-8", "surrogateescape"), _FORMAT))


def wav(data: bytes) -> None:
    """A body in pieces, whose length its last byte says."""
    reader = WavReader()
    for piece in _pieces(data):
        _check(reader.push(piece))
    reader.finish()


def l16(data: bytes) -> None:
    """The same of bare samples."""
    reader, taken = L16Reader(PcmFormat(48_000, 2, "pcm_s16be")), 0
    for piece in _pieces(data):
        audio = reader.push(piece)
        _check(audio)
        taken += len(audio.pcm) if audio else 0
    assert taken == len(data) - len(data) % 4
    reader.finish()


def message(data: bytes) -> None:
    """What is read between stages is written the same way, or is refused."""
    found = unpack(data)
    assert unpack(pack(found)) == found


def result(data: bytes) -> None:
    """The same of a result."""
    found = from_json(data)
    assert to_json(from_json(to_json(found))) == to_json(found)


def entry(data: bytes) -> None:
    """An entry whose first byte says which fields it has."""
    name = (b"m", b"data", b"", b"x")[data[0] % 4] if data else b""
    decode({name: data[1:]})


def _pieces(data: bytes) -> list[bytes]:
    size = (data[-1] % 64 + 1) * (len(data) // 256 + 1) if data else 1
    return [data[i : i + size] for i in range(0, len(data), size)]


def _check(found: object) -> None:
    """Audio is of whole frames, and can be converted."""
    if isinstance(found, Audio):
        samples = to_mono(found.pcm[: found.format.frame_bytes * 64], found.format)
        assert len(found.pcm) % found.format.frame_bytes == 0
        assert abs(samples).max(initial=0) <= 32_768


TARGETS: Mapping[str, Target] = {
    target.__name__: target
    for target in (
        generic_binary,
        generic_json,
        meetstream_frame,
        meetstream_json,
        wav,
        l16,
        message,
        result,
        entry,
    )
}
REFUSALS = (InvalidInput, InvalidMessage)
"""What a target may raise."""
