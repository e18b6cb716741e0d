"""Silero's weights in a graph of our own.

The bundled graph (v6) takes (hops, 576) samples, and its LSTM runs along that axis as time, so it
cannot serve two tracks in one run. And it convolves each hop by itself, in products of matrices four
columns wide, which leaves most of a processor idle. Here tracks are the batch, and all rows of a
batch share each product. A row comes out the same, bit for bit, whatever its company.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError
from workers.engines.onnx_graph import GraphWriter, read_weights

HOP = 512
"""Samples that one probability covers."""
CONTEXT = 64
"""Samples of the hop before that go ahead of them."""
STATE = 128
_BLOCK = 128
"""Samples between two spectra, of twice that length each."""
_BASIS = "encoder.feature_extractor.forward_basis_buffer"
_STRIDES = (1, 2, 2, 1)
_SHAPES = {
    _BASIS: (258, 1, 2 * _BLOCK),
    "encoder.conv_layers.0.weight": (128, 129, 3),
    "encoder.conv_layers.0.bias": (128,),
    "encoder.conv_layers.1.weight": (64, 128, 3),
    "encoder.conv_layers.1.bias": (64,),
    "encoder.conv_layers.2.weight": (64, 64, 3),
    "encoder.conv_layers.2.bias": (64,),
    "encoder.conv_layers.3.weight": (128, 64, 3),
    "encoder.conv_layers.3.bias": (128,),
    "onnx::LSTM_209": (1, 4 * STATE, STATE),
    "onnx::LSTM_210": (1, 4 * STATE, STATE),
    "onnx::LSTM_211": (1, 8 * STATE),
    "decoder.conv1d.weight": (1, STATE, 1),
    "decoder.conv1d.bias": (1,),
}
"""What the known model holds."""


def batched_graph(model: Path) -> bytes:
    """A graph of `input` (tracks, 576), `h` and `c` (1, tracks, 128) to `speech` (tracks,), `hn` and `cn`.

    Raises EngineError where the file is another model.
    """
    weights = _read(model)
    graph = GraphWriter()
    frames = _spectra(graph, weights[_BASIS])
    for layer, stride in enumerate(_STRIDES):
        name = f"encoder.conv_layers.{layer}"
        frames = _convolve(graph, frames, (weights[f"{name}.weight"], weights[f"{name}.bias"]), stride)
    step = graph.apply("Reshape", frames, graph.whole(1, -1, STATE))
    lstm = [graph.constant(weights[f"onnx::LSTM_{number}"]) for number in (209, 210, 211)]
    graph.apply("LSTM", step, *lstm, "", "h", "c", outputs=["", "hn", "cn"], hidden_size=STATE)
    heard = graph.apply("Relu", "hn")
    weight = graph.constant(weights["decoder.conv1d.weight"].reshape(STATE, 1))
    logits = graph.apply(
        "Add", graph.apply("MatMul", heard, weight), graph.constant(weights["decoder.conv1d.bias"])
    )
    flat = graph.apply("Reshape", logits, graph.whole(-1))
    graph.apply("Sigmoid", flat, outputs=["speech"])
    state = (1, "tracks", STATE)
    return graph.model({"input": ("tracks", CONTEXT + HOP), "h": state, "c": state}, ("speech", "hn", "cn"))


def _read(model: Path) -> dict[str, NDArray[np.float32]]:
    """The weights. Raises EngineError where it is another model."""
    try:
        weights = read_weights(model.read_bytes())
    except EngineError:
        weights = {}
    if {name: array.shape for name, array in weights.items() if name in _SHAPES} != _SHAPES:
        raise EngineError(
            f"{model}: not the Silero model this version knows (faster-whisper 1.2); "
            "install that one, or set HUBBUB_VAD__SILERO=off"
        )
    return weights


def _spectra(graph: GraphWriter, basis: NDArray[np.float32]) -> str:
    """Magnitudes of shape (tracks, 4, 129)."""
    blocks = (CONTEXT + HOP) // _BLOCK + 1
    mirrored = blocks * _BLOCK - (CONTEXT + HOP)
    padded = graph.apply("Pad", "input", graph.whole(0, 0, 0, mirrored), mode="reflect")
    rows = graph.apply("Reshape", padded, graph.whole(-1, blocks, _BLOCK))
    pairs = [graph.slice(rows, (first, first + blocks - 1, 1), axis=1) for first in (0, 1)]
    framed = graph.apply("Concat", *pairs, axis=2)
    spectra = graph.apply("MatMul", framed, graph.constant(basis[:, 0].T))
    bins = basis.shape[0] // 2
    parts = [graph.slice(spectra, (first, first + bins, 1), axis=2) for first in (0, bins)]
    squares = [graph.apply("Mul", part, part) for part in parts]
    return graph.apply("Sqrt", graph.apply("Add", *squares))


def _convolve(
    graph: GraphWriter, frames: str, layer: tuple[NDArray[np.float32], NDArray[np.float32]], stride: int
) -> str:
    """Three taps, a frame of zeros at both ends, ReLU: one product for all frames of all tracks."""
    weight, bias = layer
    padded = graph.apply("Pad", frames, graph.whole(0, 1, 0, 0, 1, 0))
    end = np.iinfo(np.int64).max
    taps = [graph.slice(padded, (tap, tap - 2 or end, stride), axis=1) for tap in range(3)]
    product = graph.apply(
        "MatMul",
        graph.apply("Concat", *taps, axis=2),
        graph.constant(weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])),
    )
    return graph.apply("Relu", graph.apply("Add", product, graph.constant(bias)))
