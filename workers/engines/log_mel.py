"""Whisper's acoustic features, computed as the audio arrives.

Source: A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022),
section 2.2: 25 ms Hann windows every 10 ms, centred, and a Slaney mel filter bank.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE

N_FFT = 400
HOP = 160
FRAMES_PER_S = SAMPLE_RATE // HOP
_HALF = N_FFT // 2
_FULL_SCALE = 32_768.0  # a power of two: scaling the window is exactly the same as scaling the samples
_POWER_FLOOR = 1e-10
_DYNAMIC_RANGE = 8.0  # decades below the loudest cell of a window that still carry information


class LogMel:
    """Samples in, complete frames out; however the samples are split, the frames are the same.

    A frame is centred on its sample, so it is complete 12.5 ms after it. Computed in float64,
    since in float32 the rounding of a matrix product depends on how many frames share it.
    """

    def __init__(self, mels: int = 80) -> None:
        self._filters = mel_filters(mels)
        self._window = np.hanning(N_FFT + 1)[:-1] / _FULL_SCALE
        self._pending: NDArray[np.float64] = np.zeros(0)
        self._begun = False

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float16]:
        """Frames that these samples complete: log10 mel power of shape (frames, mels)."""
        self._pending = np.concatenate([self._pending, samples])
        if not self._begun and self._pending.size > _HALF:
            self._mirror_the_start()
        return self._take((self._pending.size - N_FFT) // HOP + 1 if self._begun else 0)

    def flush(self) -> NDArray[np.float16]:
        """The frames centred on samples not yet framed, with silence after the last; then start afresh."""
        heard = self._pending.size + (0 if self._begun else _HALF)
        self._pending = np.concatenate([self._pending, np.zeros(N_FFT)])
        if not self._begun:
            self._mirror_the_start()
        frames = self._take((heard - _HALF - 1) // HOP + 1)
        self._pending, self._begun = np.zeros(0), False
        return frames

    def _mirror_the_start(self) -> None:
        """Put the reflection of the first half window before it, as Whisper was trained with."""
        self._pending = np.concatenate([self._pending[_HALF:0:-1], self._pending])
        self._begun = True

    def _take(self, frames: int) -> NDArray[np.float16]:
        if frames <= 0:
            return np.zeros((0, self._filters.shape[1]), np.float16)
        # A view of overlapping rows, made by hand: sliding_window_view costs as much as the transform.
        step = self._pending.itemsize
        windows = np.ndarray((frames, N_FFT), buffer=self._pending, strides=(HOP * step, step))
        spectrum = np.fft.rfft(windows * self._window)
        power = spectrum.real**2 + spectrum.imag**2
        self._pending = self._pending[frames * HOP :]
        return np.log10(np.maximum(power @ self._filters, _POWER_FLOOR)).astype(np.float16)


def assemble(window: NDArray[np.float16], frames: int) -> NDArray[np.float32]:
    """A model input of shape (mels, frames): scaled to the window's own maximum, then silence.

    What lies more than eight decades below the maximum is raised to that floor, which is also
    what silence looks like.
    """
    logs = window.astype(np.float32).T
    floor = (logs.max() if logs.size else 0.0) - _DYNAMIC_RANGE
    assembled = np.full((logs.shape[0], frames), floor, np.float32)
    np.maximum(logs, floor, out=assembled[:, : logs.shape[1]])
    return (assembled + 4.0) / 4.0


@cache
def mel_filters(mels: int) -> NDArray[np.float64]:
    """Triangular filters of shape (bins, mels) with equal area, evenly spaced on Slaney's mel scale."""
    bins = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)
    top = _hz_to_mel(SAMPLE_RATE / 2)
    edges = _mel_to_hz(np.linspace(0.0, top, mels + 2))
    rising = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
    falling = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[None, 1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float64] = triangles * (2.0 / (edges[2:] - edges[:-2]))
    filters.setflags(write=False)
    return filters


# M. Slaney, "Auditory Toolbox" (1998): linear below 1 kHz, 15 mels at 1 kHz; above, 27 mels for each
# factor of 6.4.
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_KNEE_MEL = 15.0
_KNEE_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    """For frequencies above the knee."""
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    beyond = np.maximum(mel - _KNEE_MEL, 0.0)
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * beyond))
