"""PCM as sources send it: encodings, their sample sizes, and how they become numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.refusals import Reason, Refused, shown

MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 8

Samples = NDArray[np.float32]


def _integers(dtype: str, scale: float) -> Callable[[bytes], Samples]:
    return lambda pcm: np.frombuffer(pcm, dtype).astype(np.float32) * np.float32(scale)


def _unsigned_8(pcm: bytes) -> Samples:
    samples = np.frombuffer(pcm, np.uint8).astype(np.float32)
    return (samples - np.float32(128)) * np.float32(256)


def _signed_24(pcm: bytes) -> Samples:
    octets = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
    padded = np.zeros((len(octets), 4), np.uint8)
    padded[:, 1:] = octets
    return _integers("<i4", 1 / 65_536)(padded.tobytes())


def _floats(pcm: bytes) -> Samples:
    """Full scale is ±1; what is beyond, or no number, would poison a resampler."""
    within = np.clip(np.nan_to_num(np.frombuffer(pcm, "<f4").astype(np.float32)), -1, 1)
    return within * np.float32(32_768)


def _mulaw_table() -> Samples:
    """G.711: sign, three bits of exponent, four of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.float32)


_MULAW = _mulaw_table()


def _mulaw(pcm: bytes) -> Samples:
    decoded: Samples = _MULAW[np.frombuffer(pcm, np.uint8)]
    return decoded


_ENCODINGS: dict[str, tuple[int, Callable[[bytes], Samples]]] = {
    "pcm_s16le": (2, _integers("<i2", 1)),
    "pcm_s16be": (2, _integers(">i2", 1)),
    "pcm_u8": (1, _unsigned_8),
    "pcm_s24le": (3, _signed_24),
    "pcm_s32le": (4, _integers("<i4", 1 / 65_536)),
    "pcm_f32le": (4, _floats),
    "pcm_mulaw": (1, _mulaw),
}


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Interleaved samples of one encoding."""

    rate: int
    channels: int = 1
    encoding: str = "pcm_s16le"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * _ENCODINGS[self.encoding][0]


def parse_format(rate: Any, channels: Any, encoding: Any) -> PcmFormat:
    """Check a format from outside. Raises Refused."""
    if type(rate) is not int or not MIN_RATE <= rate <= MAX_RATE:
        raise Refused(Reason.FORMAT, f"sample rate {shown(rate)}: want {MIN_RATE} to {MAX_RATE}")
    if type(channels) is not int or not 1 <= channels <= MAX_CHANNELS:
        raise Refused(Reason.FORMAT, f"channels {shown(channels)}: want 1 to {MAX_CHANNELS}")
    if not isinstance(encoding, str) or encoding not in _ENCODINGS:
        raise Refused(Reason.FORMAT, f"encoding {shown(encoding)}: want one of {', '.join(_ENCODINGS)}")
    return PcmFormat(rate, channels, encoding)


def check_whole_frames(pcm: bytes, pcm_format: PcmFormat) -> None:
    """Raises Refused where the last sample is cut off."""
    extra = len(pcm) % pcm_format.frame_bytes
    if extra:
        raise Refused(
            Reason.ODD_BYTES,
            f"{len(pcm)} bytes of audio: not a multiple of {pcm_format.frame_bytes}, {extra} left over",
        )


def to_mono(pcm: bytes, pcm_format: PcmFormat) -> Samples:
    """Whole frames as one channel, full scale ±32768: the mean of all channels."""
    samples = _ENCODINGS[pcm_format.encoding][1](pcm)
    if pcm_format.channels == 1:
        return samples
    mixed: Samples = samples.reshape(-1, pcm_format.channels).mean(axis=1, dtype=np.float32)
    return mixed


def to_canonical(samples: Samples) -> bytes:
    """Rounded and clipped to 16 bits, little-endian."""
    return np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes()
