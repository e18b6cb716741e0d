"""Tone of voice: pitch, loudness, zero crossings and speaking rate of an utterance.

Audio is cut into frames of 40 ms every 10 ms, counted from the first sample of the utterance and
analysed in blocks of fixed size, so the figures do not depend on how it arrived.

Pitch is the autocorrelation method of Boersma (1993), "Accurate short-term analysis of the
fundamental frequency and the harmonics-to-noise ratio of a sampled sound": the autocorrelation of
the windowed frame over that of the window. Rate counts syllable nuclei as de Jong & Wempe (2009),
"Praat script to detect syllable nuclei and measure speech rate automatically", do.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE

Floats = NDArray[np.floating]

HOP = SAMPLE_RATE // 100
FRAME = 4 * HOP
BLOCK_FRAMES = 32
HOPS_PER_S = SAMPLE_RATE // HOP
FULL_SCALE = 32_768.0

FLOOR_HZ, CEILING_HZ = 70, 400
OCTAVE_COST = 0.01
VOICED_STRENGTH = 0.45

SILENCE_DB = 25.0  # below the loudest frames: de Jong & Wempe
LOUDEST_PERCENTILE = 99
MIN_DIP_DB = 2.0
SMOOTHING = np.hanning(9)[1:-1] / np.hanning(9).sum()
PAUSE_FRAMES = 30
MIN_SPEECH_FRAMES = 10

_FFT = 1024
_MIN_LAG, _MAX_LAG = SAMPLE_RATE // CEILING_HZ, SAMPLE_RATE // FLOOR_HZ
_LAGS = np.arange(_MIN_LAG, _MAX_LAG + 1)
_WINDOW = np.hanning(FRAME + 2)[1:-1].astype(np.float32)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)
_WINDOW_CORRELATION = (_WINDOW_CORRELATION / _WINDOW_CORRELATION[0]).astype(np.float32)
_COST = (OCTAVE_COST * np.log2(FLOOR_HZ * _LAGS / SAMPLE_RATE)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Frames:
    """What is kept of some frames; each array has shape (frames,).

    `pitch_hz` is the best candidate whether voiced or not, `strength` its normalised
    autocorrelation (0 to 1), `power` the mean square relative to full scale, `crossings` the
    sign changes in the frame.
    """

    pitch_hz: Floats
    strength: Floats
    power: Floats
    crossings: Floats

    @classmethod
    def join(cls, parts: list["Frames"]) -> "Frames":
        """The parts one after another; at least one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class Prosody:
    """The figures of one utterance, over its speech alone (pauses and padding left out).

    Pitch figures are 0 where no frame is voiced. Energy is in dB relative to full scale,
    crossings and syllable nuclei are per second of speech.
    """

    pitch_hz: float
    pitch_range_hz: float
    energy_db: float
    zero_crossing_rate: float
    rate: float


def analyse(pcm: NDArray[np.int16]) -> Frames:
    """Every whole frame of some samples."""
    samples = pcm.astype(np.float32) / FULL_SCALE
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    pitch_hz, strength = _pitch(frames)
    signs = np.signbit(frames)
    crossings = np.count_nonzero(signs[:, 1:] != signs[:, :-1], axis=1)
    return Frames(pitch_hz, strength, np.mean(frames**2, axis=1), crossings.astype(np.float32))


def _pitch(frames: Floats) -> tuple[Floats, Floats]:
    """The lag with the best autocorrelation peak, as Hz and strength; 0 where there is no peak."""
    spectrum = np.fft.rfft(frames * _WINDOW, _FFT, axis=1)
    raw = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)[:, : _MAX_LAG + 2]
    correlation = raw / (np.maximum(raw[:, :1], 1e-12) * _WINDOW_CORRELATION[: _MAX_LAG + 2])
    before, here, after = (correlation[:, _MIN_LAG + d : _MAX_LAG + 1 + d] for d in (-1, 0, 1))
    is_peak = (here > before) & (here >= after)
    best = np.argmax(np.where(is_peak, here - _COST, -np.inf), axis=1)
    rows = np.arange(len(frames))
    strength = np.where(is_peak[rows, best], here[rows, best], 0.0)
    shift = _parabola_top(before[rows, best], here[rows, best], after[rows, best])
    return np.where(strength > 0, SAMPLE_RATE / (_LAGS[best] + shift), 0.0), np.clip(strength, 0.0, 1.0)


def _parabola_top(before: Floats, here: Floats, after: Floats) -> Floats:
    """Where between its neighbours (-0.5 to 0.5) a sampled peak really is."""
    curvature = before - 2 * here + after
    return np.clip(0.5 * (before - after) / np.where(curvature == 0, -1.0, curvature), -0.5, 0.5)


def summarise(frames: Frames) -> Prosody | None:
    """The figures of an utterance; None where it holds under 100 ms of sound."""
    level = 10 * np.log10(frames.power + 1e-10)
    threshold = np.percentile(level, LOUDEST_PERCENTILE) - SILENCE_DB if len(level) else 0.0
    speech = (level >= threshold) & (frames.power > 0)
    if np.count_nonzero(speech) < MIN_SPEECH_FRAMES:
        return None
    voiced = speech & (frames.strength >= VOICED_STRENGTH)
    low, median, high = np.percentile(frames.pitch_hz[voiced], (10, 50, 90)) if voiced.any() else (0, 0, 0)
    return Prosody(
        pitch_hz=float(median),
        pitch_range_hz=float(high - low),
        energy_db=float(10 * np.log10(frames.power[speech].mean())),
        zero_crossing_rate=float(frames.crossings[speech].mean() * SAMPLE_RATE / FRAME),
        rate=_syllable_nuclei(level, voiced, threshold) / _speech_seconds(speech),
    )


def _syllable_nuclei(level: Floats, voiced: NDArray[np.bool_], threshold: float) -> int:
    """Voiced peaks of loudness that a dip of 2 dB follows before the next one."""
    smooth = np.convolve(np.pad(level, len(SMOOTHING) // 2, mode="edge"), SMOOTHING, mode="valid")
    inner = smooth[1:-1]
    peaks = 1 + np.flatnonzero((inner > smooth[:-2]) & (inner >= smooth[2:]) & (inner >= threshold))
    if not len(peaks):
        return 0
    dips = np.minimum.reduceat(smooth, peaks)
    return int(np.count_nonzero((smooth[peaks] - dips >= MIN_DIP_DB) & voiced[peaks]))


def _speech_seconds(speech: NDArray[np.bool_]) -> float:
    """From first to last speech, less the pauses of 300 ms and more."""
    at = np.flatnonzero(speech)
    steps = np.diff(at)
    return float(1 + steps[steps <= PAUSE_FRAMES].sum() + np.count_nonzero(steps > PAUSE_FRAMES)) / HOPS_PER_S


class Contour:
    """The frames of one growing utterance: audio goes in as it arrives, figures come out at its end."""

    def __init__(self) -> None:
        self._parts: list[Frames] = []
        self._rest = b""

    def feed(self, pcm: bytes) -> None:
        """Take the samples that follow; whole blocks are analysed at once."""
        self._rest += pcm
        while len(self._rest) >= 2 * _BLOCK_SAMPLES:
            self._parts.append(analyse(np.frombuffer(self._rest, np.int16, _BLOCK_SAMPLES)))
            self._rest = self._rest[2 * BLOCK_FRAMES * HOP :]

    def prosody(self) -> Prosody | None:
        """The figures of everything fed; None where there is too little sound."""
        rest = np.frombuffer(self._rest, np.int16)
        parts = [*self._parts, analyse(rest)] if len(rest) >= FRAME else self._parts
        return summarise(Frames.join(parts)) if parts else None


_BLOCK_SAMPLES = (BLOCK_FRAMES - 1) * HOP + FRAME
