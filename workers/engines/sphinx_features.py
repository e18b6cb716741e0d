"""PocketSphinx's features, of many tracks at once, as the audio arrives.

Mel frequency cepstra of windows of 25.6 ms every 10 ms, less a mean, with their first and second
differences. Noise is taken off the spectrum in the manner of C. Kim and R. M. Stern, "Power-Normalized
Cepstral Coefficients (PNCC) for Robust Speech Recognition" (2016). Constants and the order of steps are
those of CMU Sphinx (`fe_sigproc.c`, `fe_noise.c`, `cmn_live.c`, `feat.c`), as its Gaussians want them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE

HOP = SAMPLE_RATE // 100
WINDOW = 410
AHEAD = 3
"""The differences of a frame take in so many frames before and behind it."""
VALUES = 39
_CEPSTRA = VALUES // 3
_FFT = 512
_FILTERS = 25
_LOWEST_HZ, _HIGHEST_HZ = 130.0, 6800.0
_PRE_EMPHASIS = 0.97
_LIFTER = 22
_POWER_FLOOR = 1e-4
_PIECE = 32
"""Rows of a product: more of them wake a second thread, which costs more than it gives."""

_FIRST_MEAN = np.array([40.0, 3.0, -1.0, *[0.0] * (_CEPSTRA - 3)])
_MEAN_WEIGHT = 500
"""Frames for which the mean of before counts when a new one is taken."""
MEAN_EVERY = 300

_POWER_KEPT = 0.7
_KEPT_BELOW, _KEPT_ABOVE = 0.995, 0.5
"""Of a lower envelope, where it lies below the power, and above it."""
_PEAK_KEPT, _MASKED = 0.85, 0.2
_MOST_GAIN = 20.0
_NEIGHBOURS = 4
"""Filters to either side over which gains are averaged."""
_Floats = NDArray[np.float64]


@dataclass(slots=True)
class Tail:
    """What later frames of a track need of its earlier ones.

    `samples` begin with the one before the next frame. `noise` is power, noise, floor and peak, of shape
    (4, filters), and `cepstra` are the last six: None before the first frame.
    """

    samples: NDArray[np.int16] = field(default_factory=lambda: np.zeros(1, np.int16))
    frames: int = 0
    noise: _Floats | None = None
    cepstra: _Floats | None = None
    mean: _Floats = field(default_factory=_FIRST_MEAN.copy)
    total: _Floats = field(default_factory=lambda: _FIRST_MEAN * _MEAN_WEIGHT)
    counted: int = _MEAN_WEIGHT

    @property
    def complete(self) -> int:
        """Frames whose samples are all here."""
        return max(0, (self.samples.size - 1 - WINDOW) // HOP + 1)

    def close(self) -> None:
        """Add the silence in which the last frames become complete."""
        missing = HOP - (self.samples.size - 1 - WINDOW) % HOP + AHEAD * HOP
        self.samples = np.concatenate([self.samples, np.zeros(missing, np.int16)])


class FrontEnd:
    """Tracks in lines: arrays have the shape (frames, tracks, values), the longest track first.

    A track's first frame counts four times, so that it has neighbours: of n frames come n features, which
    are three frames late.
    """

    def __init__(self) -> None:
        self._window = np.hamming(WINDOW)
        self._filters = _mel_filters()
        self._cosines = _cosines()
        self._smoothing = _smoothing()

    def features(self, tails: Sequence[Tail], frames: Sequence[int]) -> NDArray[np.float32]:
        """The features of the next `frames` of each track; what is beyond a track's means nothing."""
        cepstra = self._cepstra(tails, frames)
        self._take_mean_off(tails, frames, cepstra)
        line = np.empty((len(cepstra) + 2 * AHEAD, len(tails), _CEPSTRA))
        line[2 * AHEAD :] = cepstra
        for at, (tail, count) in enumerate(zip(tails, frames, strict=True)):
            line[: 2 * AHEAD, at] = cepstra[0, at] if tail.cepstra is None else tail.cepstra
            tail.cepstra = line[count : count + 2 * AHEAD, at].copy()
        return _with_differences(line)

    def _cepstra(self, tails: Sequence[Tail], frames: Sequence[int]) -> _Floats:
        spectra = self._spectra(tails, frames)
        self._take_noise_off(tails, frames, spectra)
        return np.asarray(np.log(spectra + _POWER_FLOOR) @ self._cosines)

    def _spectra(self, tails: Sequence[Tail], frames: Sequence[int]) -> _Floats:
        windows = np.zeros((max(frames), len(tails), _FFT))
        for at, (tail, count) in enumerate(zip(tails, frames, strict=True)):
            line = tail.samples[: 1 + (count - 1) * HOP + WINDOW].astype(np.float64)
            emphasised = line[1:] - _PRE_EMPHASIS * line[:-1]
            step = emphasised.itemsize
            framed = np.ndarray((count, WINDOW), np.float64, emphasised, strides=(HOP * step, step))
            np.multiply(framed, self._window, out=windows[:count, at, :WINDOW])
            tail.samples = tail.samples[count * HOP :]
            tail.frames += count
        spectrum = np.fft.rfft(windows)
        power = spectrum.real**2
        power += spectrum.imag**2
        return _product(power, self._filters)

    def _take_noise_off(self, tails: Sequence[Tail], frames: Sequence[int], spectra: _Floats) -> None:
        known = np.empty((4, len(tails), _FILTERS))
        for at, tail in enumerate(tails):
            known[:, at] = _first_noise(spectra[0, at]) if tail.noise is None else tail.noise
        for spectrum, tracks in zip(spectra, _still_there(frames), strict=True):
            spectrum[:tracks] *= _gain(spectrum[:tracks], known[:, :tracks]) @ self._smoothing
        for at, tail in enumerate(tails):
            tail.noise = known[:, at].copy()

    @staticmethod
    def _take_mean_off(tails: Sequence[Tail], frames: Sequence[int], cepstra: _Floats) -> None:
        for at, (tail, count) in enumerate(zip(tails, frames, strict=True)):
            line = cepstra[:count, at]
            audible = line[:, 0] >= 0
            tail.total += audible @ line
            tail.counted += int(audible.sum())
            line -= np.where(audible[:, None], tail.mean, 0.0)
            if tail.frames % MEAN_EVERY == 0:
                tail.mean = tail.total / tail.counted
                tail.total, tail.counted = tail.mean * _MEAN_WEIGHT, _MEAN_WEIGHT


def _still_there(frames: Sequence[int]) -> list[int]:
    """How many tracks, the longest first, have a frame at each step."""
    return [sum(count > step for count in frames) for step in range(frames[0])]


def _first_noise(spectrum: _Floats) -> _Floats:
    return np.stack([spectrum, spectrum / _MOST_GAIN, spectrum / _MOST_GAIN, np.zeros_like(spectrum)])


def _gain(spectrum: _Floats, known: _Floats) -> _Floats:
    """What to multiply each filter's power with; `known`, as in a tail, is brought up to date."""
    power, noise, floor, peak = known
    power *= _POWER_KEPT
    power += (1 - _POWER_KEPT) * spectrum
    _follow(noise, power)
    signal = np.maximum(power - noise, 1.0)
    _follow(floor, signal)
    peak *= _PEAK_KEPT
    heard = np.where(signal < _PEAK_KEPT * peak, _MASKED * peak, signal)
    np.maximum(peak, signal, out=peak)
    wanted = np.maximum(heard, floor)
    return np.asarray(np.maximum(wanted / np.maximum(power, wanted / _MOST_GAIN), 1 / _MOST_GAIN))


def _follow(envelope: _Floats, values: _Floats) -> None:
    above = values - envelope
    envelope += np.minimum((1 - _KEPT_BELOW) * above, (1 - _KEPT_ABOVE) * above)


def _with_differences(line: _Floats) -> NDArray[np.float32]:
    """The features of each frame of a line of cepstra, less three at either end."""
    first = line[5:-1] - line[1:-5]
    second = line[6:] - line[4:-2] - line[2:-4] + line[:-6]
    return np.concatenate([line[AHEAD:-AHEAD], first, second], axis=2, dtype=np.float32)


def _product(rows: _Floats, matrix: _Floats) -> _Floats:
    flat = rows.reshape(-1, rows.shape[-1])
    pieces = [flat[at : at + _PIECE] @ matrix for at in range(0, len(flat), _PIECE)]
    return np.concatenate(pieces).reshape(*rows.shape[:-1], -1)


def _mel_filters() -> _Floats:
    """Triangles of shape (bins, filters) and equal area, evenly spaced in mels, their corners on bins."""
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    mels = np.linspace(low, high, _FILTERS + 2)
    width = SAMPLE_RATE / _FFT
    corners = np.floor(700.0 * (10.0 ** (mels / 2595.0) - 1.0) / width + 0.5) * width
    left, top, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(_FFT // 2 + 1)[:, None] * width
    triangles = np.minimum((bins - left) / (top - left), (right - bins) / (right - top))
    return np.asarray(np.maximum(triangles, 0.0) * 2.0 / (right - left))


def _cosines() -> _Floats:
    """From log spectra to liftered cepstra: shape (filters, cepstra)."""
    orders = np.arange(_CEPSTRA)
    cosines = np.cos(np.pi / _FILTERS * np.outer(np.arange(_FILTERS) + 0.5, orders))
    scale = np.where(orders == 0, np.sqrt(1 / _FILTERS), np.sqrt(2 / _FILTERS))
    return np.asarray(cosines * scale * (1 + _LIFTER / 2 * np.sin(np.pi * orders / _LIFTER)))


def _smoothing() -> _Floats:
    """From gains to their averages over the neighbours: shape (filters, filters)."""
    filters = np.arange(_FILTERS)
    near = np.abs(filters[:, None] - filters) <= _NEIGHBOURS
    return np.asarray(near / near.sum(axis=0))
