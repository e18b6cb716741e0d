"""Whisper's encoder on matrix units beside CTranslate2's, turn by turn on the same windows.

    python -m benchmarks.encoder --audio AUDIO.wav

Times in ms, one thread: the least, and the median, which says what neighbours did meanwhile. The error is
the mean distance to what CTranslate2 computes in float32; `size` is how far those numbers are from zero.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import ctranslate2
import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.machine import machine_line
from benchmarks.wer import features
from common.audio import SAMPLE_RATE
from workers.engines.log_mel import FRAMES_PER_S, assemble
from workers.engines.whisper_encoder import MatrixEncoder, matrix_library, matrix_units
from workers.engines.whisper_weights import BUNDLED, find_weights

CONTEXTS_S = (6, 8, 10, 12, 20, 30)
PADDING_S = 2
ROUNDS = 40

Encode = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def ctranslate2_encoder(weights: Path, compute_type: str) -> Encode:
    """One that computes in this type on one thread."""
    model = ctranslate2.models.Whisper(str(weights), compute_type=compute_type, intra_threads=1)

    def encode(window: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(model.encode(ctranslate2.StorageView.from_array(window)))

    return encode


def timed(ways: dict[str, Encode], window: NDArray[np.float32]) -> dict[str, tuple[float, float]]:
    """Least and median time in ms, the ways taking turns."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, encode in ways.items():
            begun = time.perf_counter()
            encode(window)
            took[name].append((time.perf_counter() - begun) * 1000)
    return {name: (min(times), float(np.median(times))) for name, times in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--audio", type=Path, required=True, help="16 kHz mono speech of 28 s or more")
    samples, rate = soundfile.read(parser.parse_args().audio, dtype="int16")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise SystemExit("this benchmark takes 16 kHz mono")
    if not (matrix_units() and matrix_library()):
        raise SystemExit("no matrix units here, or no openvino to use them: nothing to compare")
    weights, frames = find_weights(BUNDLED), features(samples)
    exact = ctranslate2_encoder(weights, "float32")
    ways: dict[str, Encode] = {
        "int8": ctranslate2_encoder(weights, "int8"),
        "matrix": MatrixEncoder.load(weights, threads=1, abreast=1).encode,
    }
    print(machine_line(("ctranslate2", "openvino", "numpy")) + "\n")
    heads = f"{'context s':>9}{'int8 ms':>16}{'matrix ms':>16}{'ratio':>7}{'size':>8}"
    print(f"{heads}{'int8 error':>12}{'matrix error':>14}")
    for context_s in CONTEXTS_S:
        spoken = frames[: (context_s - PADDING_S) * FRAMES_PER_S]
        window = assemble(spoken, context_s * FRAMES_PER_S)[np.newaxis]
        expected = exact(window)
        errors = {name: float(np.abs(encode(window) - expected).mean()) for name, encode in ways.items()}
        times = timed(ways, window)
        columns = "".join(f"{least:9.1f}/{median:6.1f}" for least, median in times.values())
        ratio = times["matrix"][1] / times["int8"][1]
        print(
            f"{context_s:9}{columns}{ratio:7.2f}{np.abs(expected).mean():8.3f}"
            f"{errors['int8']:12.4f}{errors['matrix']:14.4f}"
        )


if __name__ == "__main__":
    main()
