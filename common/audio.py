"""Canonical audio: 16 kHz, mono, signed 16-bit little-endian.

Positions are sample counts since the first sample of the meeting, so that every track of a
meeting shares one timeline and a track may have holes.
"""

SAMPLE_RATE = 16_000
BYTES_PER_SAMPLE = 2
SAMPLES_PER_MS = SAMPLE_RATE // 1000


def samples_to_ms(samples: int) -> int:
    """Milliseconds, rounded down."""
    return samples // SAMPLES_PER_MS


def ms_to_samples(ms: int) -> int:
    """Exact: a millisecond is 16 samples."""
    return ms * SAMPLES_PER_MS


def sample_count(pcm: bytes) -> int:
    """Samples in canonical audio bytes."""
    return len(pcm) // BYTES_PER_SAMPLE
