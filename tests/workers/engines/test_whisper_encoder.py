"""The encoder on matrix units computes what CTranslate2 computes, whoever else computes meanwhile."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import ctranslate2
import numpy as np
import pytest

from common.errors import EngineError
from workers.engines.whisper_encoder import MatrixEncoder
from workers.engines.whisper_weights import BUNDLED, find_weights

pytest.importorskip("openvino", reason="openvino is installed on x86-64 Linux only")


@pytest.fixture(scope="module")
def encoder() -> MatrixEncoder:
    return MatrixEncoder.load(find_weights(BUNDLED), threads=1, abreast=2)


def features(frames: int) -> np.ndarray:
    """Something like speech: loud and quiet stretches, in bands."""
    rng = np.random.default_rng(frames)
    loud = np.sin(np.arange(frames) / 9) * np.cos(np.arange(80)[:, None] / 7)
    return (loud + rng.normal(0, 0.2, (1, 80, frames))).clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize("frames", [200, 600, 3000])
def test_it_is_nearer_to_the_exact_numbers_than_whole_ones(encoder, frames):
    def encode(compute_type: str) -> np.ndarray:
        model = ctranslate2.models.Whisper(str(find_weights(BUNDLED)), compute_type=compute_type)
        return np.asarray(model.encode(ctranslate2.StorageView.from_array(features(frames))))

    exact = encode("float32")
    error, coarse = (np.abs(one - exact).mean() for one in (encoder.encode(features(frames)), encode("int8")))
    assert error < coarse < np.abs(exact).mean() / 5


def test_windows_abreast_do_not_mix(encoder):
    windows = [features(frames) for frames in (300, 400, 600, 400)]
    alone = [encoder.encode(window) for window in windows]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            for one, other in zip(alone, threads.map(encoder.encode, windows), strict=True):
                np.testing.assert_array_equal(one, other)


def test_nobody_is_told_that_it_was_loaded():
    load = (
        "import sys\n"
        "from workers.engines.whisper_encoder import MatrixEncoder\n"
        "from workers.engines.whisper_weights import find_weights\n"
        "MatrixEncoder.load(find_weights('bundled'), threads=1, abreast=1)\n"
        "print(*(name for name, module in sys.modules.items() if module))\n"
    )
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "openvino" in loaded
    assert not [name for name in loaded if name.startswith("openvino_telemetry")]


def test_a_file_without_an_encoder_is_named(tmp_path):
    version, name, revision, variables, aliases = b"\6\0\0\0", b"\1\0\0", b"\1\0\0\0", bytes(4), bytes(4)
    (tmp_path / "model.bin").write_bytes(version + name + revision + variables + aliases)
    with pytest.raises(EngineError, match=r"model\.bin holds no encoder of Whisper: KeyError\('num_heads'\)"):
        MatrixEncoder.load(tmp_path, threads=1, abreast=1)
