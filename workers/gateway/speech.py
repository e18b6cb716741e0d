"""Recorded speech of any kind, made into what bots play."""

from io import BytesIO

import numpy as np
import soundfile
import soxr

from common.errors import InvalidInput
from common.streams.commands import SPEECH_PIECE_S, SPEECH_RATE, Speech

LONGEST_S = 60
MOST_CHANNELS = 2
MOST_RATE = 96_000
_PIECE_BYTES = 2 * SPEECH_RATE * SPEECH_PIECE_S


def speech_from(recording: bytes) -> list[Speech]:
    """The pieces of a WAV, FLAC, Ogg or MP3 file of at most LONGEST_S. Raises InvalidInput."""
    pcm = _canonical(*_read(recording))
    return [Speech(pcm[at : at + _PIECE_BYTES]) for at in range(0, len(pcm), _PIECE_BYTES)]


def _read(recording: bytes) -> tuple[np.ndarray, int]:
    """Mono samples and their rate; never more of a file than it may be long."""
    try:
        with soundfile.SoundFile(BytesIO(recording)) as file:
            if file.channels > MOST_CHANNELS or not 8_000 <= file.samplerate <= MOST_RATE:
                raise InvalidInput(
                    f"recording of {file.channels} channels at {file.samplerate} Hz: "
                    f"want at most {MOST_CHANNELS} at 8000 to {MOST_RATE}"
                )
            samples = file.read(LONGEST_S * file.samplerate + 1, dtype="float32", always_2d=True)
            rate = file.samplerate
    except soundfile.LibsndfileError as error:
        raise InvalidInput("recording: want a WAV, FLAC, Ogg or MP3 file") from error
    if not 0 < len(samples) <= LONGEST_S * rate:
        raise InvalidInput(f"recording of {len(samples) / rate:.3g} s or more: want up to {LONGEST_S} s")
    return samples.mean(axis=1), rate


def _canonical(samples: np.ndarray, rate: int) -> bytes:
    resampled = soxr.resample(samples, rate, SPEECH_RATE)
    scaled: np.ndarray = np.clip(np.nan_to_num(resampled), -1, 1) * 32_767
    return scaled.astype("<i2").tobytes()
