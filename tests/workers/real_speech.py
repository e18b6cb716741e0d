"""What is said in the bundled demonstration."""

import json
from importlib.resources import as_file, files

import numpy as np
import soundfile
import soxr

from common.audio import SAMPLE_RATE


def script() -> list[dict]:
    """Its turns."""
    text = files("ingest.demo").joinpath("meeting.json").read_text("utf-8")
    turns: list[dict] = json.loads(text)["turns"]
    return turns


def turn(number: int) -> np.ndarray:
    """What one speaker says at a time, as canonical samples."""
    said = script()[number]
    with as_file(files("ingest.demo").joinpath("meeting.ogg")) as path:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    piece = samples[rate * said["start_ms"] // 1000 : rate * said["end_ms"] // 1000].mean(axis=1)
    return (soxr.resample(piece, rate, SAMPLE_RATE) * 32767).astype(np.int16)
