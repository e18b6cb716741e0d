"""WAV as it streams in: the header from whatever pieces come, then the samples of `data`.

Sizes of 0 or 0xFFFFFFFF, which live encoders write, mean "until the body ends".
"""

import math
import struct
from collections.abc import Callable

from ingest.formats.values import Audio
from ingest.pcm import PcmFormat, parse_format
from ingest.refusals import Reason, Refused, shown

_PCM, _FLOAT, _MULAW, _EXTENSIBLE = 1, 3, 7, 0xFFFE
_ENCODINGS = {
    (_PCM, 8): "pcm_u8",
    (_PCM, 16): "pcm_s16le",
    (_PCM, 24): "pcm_s24le",
    (_PCM, 32): "pcm_s32le",
    (_FLOAT, 32): "pcm_f32le",
    (_MULAW, 8): "pcm_mulaw",
}
_MAX_PART = 65_536
_UNKNOWN_SIZES = (0, 0xFFFF_FFFF)


class WavReader:
    """The body of one upload, piece by piece. Raises Refused."""

    def __init__(self) -> None:
        self._waiting = b""
        self._format: PcmFormat | None = None
        self._data_left: float = math.inf
        self._read_header: Callable[[], bool] = self._read_riff

    def push(self, piece: bytes) -> Audio | None:
        """Whole frames of what has come, if there are any."""
        self._waiting += piece
        while self._read_header():
            pass
        return self._read_samples() if self._in_data else None

    def finish(self) -> None:
        """The body is over. Raises Refused if it ended too early."""
        if not self._in_data:
            raise Refused(Reason.FRAME, "the body ended within the WAV header")
        if self._waiting:
            raise Refused(Reason.ODD_BYTES, f"the body ended {len(self._waiting)} bytes into a frame")

    @property
    def _in_data(self) -> bool:
        return self._read_header == self._read_nothing

    def _read_riff(self) -> bool:
        if len(self._waiting) < 12:
            return False
        if self._waiting[:4] not in (b"RIFF", b"RF64") or self._waiting[8:12] != b"WAVE":
            raise Refused(Reason.FRAME, f"{shown(self._waiting[:12])}: not the beginning of a WAV file")
        self._waiting = self._waiting[12:]
        self._read_header = self._read_part
        return True

    def _read_part(self) -> bool:
        """Take one part of the header off what waits; False where more is needed."""
        if len(self._waiting) < 8:
            return False
        name, size = struct.unpack_from("<4sI", self._waiting)
        if name == b"data":
            return self._begin_data(size)
        end = 8 + size + size % 2
        if end > _MAX_PART:
            raise Refused(
                Reason.FRAME, f"header part {shown(name)} of {size} bytes: want at most {_MAX_PART}"
            )
        if len(self._waiting) < end:
            return False
        if name == b"fmt ":
            self._format = _parse_fmt(self._waiting[8 : 8 + size])
        self._waiting = self._waiting[end:]
        return True

    def _begin_data(self, size: int) -> bool:
        if self._format is None:
            raise Refused(Reason.FRAME, "data before fmt: not a WAV header")
        self._waiting = self._waiting[8:]
        self._data_left = math.inf if size in _UNKNOWN_SIZES else size
        self._read_header = self._read_nothing
        return True

    def _read_nothing(self) -> bool:
        """The header is over."""
        return False

    def _read_samples(self) -> Audio | None:
        assert self._format is not None
        available = int(min(len(self._waiting), self._data_left))
        taken = available - available % self._format.frame_bytes
        pcm, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._data_left -= taken
        if self._data_left < self._format.frame_bytes:
            self._waiting = b""  # what follows the samples says nothing about them
        return Audio(pcm, self._format) if pcm else None


def _parse_fmt(fmt: bytes) -> PcmFormat:
    if len(fmt) < 16:
        raise Refused(Reason.FRAME, f"a fmt part of {len(fmt)} bytes: want 16")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == _EXTENSIBLE and len(fmt) >= 26:
        (tag,) = struct.unpack_from("<H", fmt, 24)
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        raise Refused(Reason.FORMAT, f"WAV format {tag} with {bits} bits: want PCM, float or mu-law")
    return parse_format(rate, channels, encoding)
