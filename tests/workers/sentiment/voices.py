"""Voices of known pitch, loudness and rhythm."""

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE


def voice(
    seconds: float, *, pitch_hz: float = 120.0, level_db: float = -20.0, syllables_per_s: float = 0.0
) -> bytes:
    """A buzz of 20 harmonics at a level relative to full scale, swelling with each syllable."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 21) if pitch_hz * k < 7000)
    if syllables_per_s:
        buzz = buzz * (0.1 + np.sin(np.pi * syllables_per_s * t) ** 2)
    return pcm(buzz / np.sqrt(np.mean(buzz**2)) * 10 ** (level_db / 20))


def noise(seconds: float, *, level_db: float = -20.0) -> bytes:
    """White noise, the same every time."""
    return pcm(np.random.default_rng(7).normal(size=round(seconds * SAMPLE_RATE)) * 10 ** (level_db / 20))


def silence(seconds: float) -> bytes:
    """Nothing at all."""
    return bytes(2 * round(seconds * SAMPLE_RATE))


def pcm(samples: NDArray[np.floating]) -> bytes:
    """Canonical audio of samples between -1 and 1."""
    return np.clip(samples * 32_768, -32_768, 32_767).astype("<i2").tobytes()
