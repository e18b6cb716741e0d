"""What CTranslate2 itself writes is read back, whatever type it is stored in."""

from pathlib import Path

import numpy as np
import pytest
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.model_spec import visit_spec

from common.errors import EngineError
from workers.engines.ctranslate2_weights import read_weights

WIDTH = 8


def stored(folder: Path, kind: str) -> dict[str, np.ndarray]:
    """Write a small model of random weights, stored as `kind`; gives what its encoder had before.

    All biases are the same, so that they are stored once.
    """
    spec = WhisperSpec(1, 2, 1, 2)
    rng, before = np.random.default_rng(0), {}

    def fill(spec: object, name: str, value: object) -> None:
        if value is None:
            shape = (WIDTH, 4, 3) if "conv" in name else (WIDTH, WIDTH)
            size = shape if name.endswith("weight") else WIDTH
            array = np.ones(size) if name.endswith("bias") else rng.normal(size=size)
            before[name] = array.astype(np.float32)
            setattr(spec, name.rpartition("/")[2], before[name].copy())

    visit_spec(spec, fill)
    spec.register_vocabulary([str(number) for number in range(WIDTH)])
    spec.validate()
    spec.optimize(quantization=kind)
    spec.save(str(folder))
    encoder = "encoder/"
    return {k.removeprefix(encoder): v for k, v in before.items() if k.startswith(encoder)}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("float32", 1e-7),
        ("float16", 1e-3),
        ("int16", 1e-2),
        ("int8", 2e-2),
        pytest.param("bfloat16", 1e-2, marks=pytest.mark.torch),
    ],
)
def test_weights_are_what_was_stored(tmp_path, kind, error):
    before = stored(tmp_path, kind)
    found = read_weights(tmp_path / "model.bin", "encoder/")
    assert before.keys() <= found.keys()
    assert found["num_heads"] == 2
    for name, array in before.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], array, rtol=error, atol=2 * error, err_msg=name)


@pytest.mark.parametrize("content", [b"", b"\5\0\0\0", b"\6\0\0\0\7\0Whisper"])
def test_what_is_no_such_file_is_named(tmp_path, content):
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(EngineError, match=r"model\.bin is no CTranslate2 model of version 6"):
        read_weights(tmp_path / "model.bin", "encoder/")
