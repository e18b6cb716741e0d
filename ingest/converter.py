"""Any PCM to canonical audio, the same however the input is split."""

import numpy as np
import soxr

from common.audio import SAMPLE_RATE, sample_count
from ingest.pcm import PcmFormat, to_canonical, to_mono

_CANONICAL = PcmFormat(SAMPLE_RATE)
_NOTHING = np.zeros(0, np.float32)


class Converter:
    """One continuous signal.

    Resampling works in blocks and so holds up to 40 ms back (115 ms from 8 kHz). It is done in
    floating point: with 16-bit integers soxr adds dither, which depends on how the input is split.
    """

    def __init__(self, pcm_format: PcmFormat) -> None:
        self.format = pcm_format
        self._frames_in = 0
        self._samples_out = 0
        self._resampler = self._new_resampler()

    @property
    def held(self) -> int:
        """Canonical samples that were taken in and have not come out yet."""
        return self.samples(self._frames_in) - self._samples_out

    def samples(self, frames: int) -> int:
        """What so many frames of input amount to."""
        return frames * SAMPLE_RATE // self.format.rate

    def push(self, pcm: bytes) -> bytes:
        """Whole frames in, what is ready of their canonical samples out."""
        self._frames_in += len(pcm) // self.format.frame_bytes
        return self._counted(self._convert(pcm))

    def flush(self) -> bytes:
        """The signal ends: what was held back. Afterwards a new signal may begin."""
        rest = (
            b""
            if self._resampler is None
            else to_canonical(self._resampler.resample_chunk(_NOTHING, last=True))
        )
        wanted = self.held
        self._frames_in = self._samples_out = 0
        self._resampler = self._new_resampler()
        return rest[: 2 * wanted] if sample_count(rest) > wanted else rest

    def _convert(self, pcm: bytes) -> bytes:
        if self.format == _CANONICAL:
            return pcm
        samples = to_mono(pcm, self.format)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return to_canonical(samples)

    def _counted(self, pcm: bytes) -> bytes:
        self._samples_out += sample_count(pcm)
        return pcm

    def _new_resampler(self) -> "soxr.ResampleStream | None":
        if self.format.rate == SAMPLE_RATE:
            return None
        return soxr.ResampleStream(self.format.rate, SAMPLE_RATE, 1, dtype="float32")
