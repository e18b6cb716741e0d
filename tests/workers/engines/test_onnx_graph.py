"""What is written is a model to onnxruntime, and what is read are its weights."""

import numpy as np
import pytest

from common.errors import EngineError
from workers.engines.onnx_graph import GraphWriter, read_weights

WEIGHT = np.arange(600, dtype=np.float32).reshape(200, 3)


def product() -> bytes:
    """x @ WEIGHT, on any number of rows, and the same in one long row."""
    graph = GraphWriter()
    graph.apply("MatMul", "x", graph.constant(WEIGHT), outputs=["y"])
    graph.apply("Reshape", "y", graph.constant(np.array([-1], np.int64)), outputs=["flat"])
    return graph.model({"x": ("rows", 200)}, ("y", "flat"))


@pytest.mark.parametrize("rows", [1, 5])
def test_onnxruntime_computes_what_was_written(rows: int) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(product(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(rows).normal(size=(rows, 200)).astype(np.float32)
    y, flat = session.run(None, {"x": x})
    np.testing.assert_allclose(y, x @ WEIGHT, rtol=1e-4)
    np.testing.assert_array_equal(flat, y.reshape(-1))


def test_an_attribute_and_an_input_left_out_arrive() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    graph = GraphWriter()
    ends = graph.constant(np.array([0, 2], np.int64))
    padded = graph.apply("Pad", "x", ends, "", mode="reflect")
    graph.apply("Concat", padded, padded, outputs=["y"], axis=0)
    session = onnxruntime.InferenceSession(graph.model({"x": ("n",)}, ["y"]))
    (y,) = session.run(None, {"x": np.array([1, 2, 3], np.float32)})
    assert y.tolist() == [1, 2, 3, 2, 1] * 2


def test_weights_are_read_by_name_and_only_floats() -> None:
    (weight,) = read_weights(product()).values()
    np.testing.assert_array_equal(weight, WEIGHT)


@pytest.mark.parametrize("damaged", [b"", b"another graph", b"\x3a\x7f\x0a", product()[:-700], b"\xff" * 20])
def test_what_is_no_model_is_refused(damaged: bytes) -> None:
    with pytest.raises(EngineError, match="not an ONNX model"):
        read_weights(damaged)
