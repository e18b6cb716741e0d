"""Whisper's encoder in bfloat16, for processors that multiply matrices (AMX).

OpenVINO multiplies in tiles of bfloat16 and joins the steps in between: half the time of CTranslate2's int8,
and a quarter of its error
(docs/decisions/whisper-encoder.md).
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError
from workers.engines.ctranslate2_weights import read_weights

_PROCESSOR = Path("/proc/cpuinfo")
_TILES = "amx_bf16"
_PACKAGE = "openvino"
_TELEMETRY = "openvino_telemetry"
_EPSILON = 1e-5

Weights = dict[str, NDArray[np.float32]]


def matrix_units() -> bool:
    """Whether this processor has matrix units for bfloat16; only Linux is known to let them be used."""
    return _PROCESSOR.is_file() and _TILES in _PROCESSOR.read_text().split()


def matrix_library() -> bool:
    """Whether what drives the matrix units is installed."""
    return find_spec(_PACKAGE) is not None


def _silent_import(name: str) -> Any:
    """A module of OpenVINO, which tells a server of its maker that it was imported, if it can."""
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]  # what is None cannot be imported
    return importlib.import_module(name)


class MatrixEncoder:
    """Encodes one window a call, in up to `abreast` threads at once. Computing releases the GIL."""

    def __init__(self, compiled: Any, *, abreast: int) -> None:
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(abreast):
            self._idle.put(compiled.create_infer_request())

    @classmethod
    def load(cls, weights: Path, *, threads: int, abreast: int) -> Self:
        """Compile the encoder in a CTranslate2 model folder. Raises EngineError where it cannot be done."""
        model = weights / "model.bin"
        openvino = _silent_import(_PACKAGE)
        try:
            graph = openvino.Model(*_Graph(read_weights(model, "encoder/")).encoder(), "encoder")
            compiled = openvino.Core().compile_model(graph, "CPU", _settings(threads, abreast))
        except (KeyError, ValueError, RuntimeError) as error:
            raise EngineError(f"{model} holds no encoder of Whisper: {error!r}") from error
        return cls(compiled, abreast=abreast)

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log mel features of shape (1, mels, frames) to (1, frames // 2, width). Raises RuntimeError."""
        request = self._idle.get()
        try:
            (encoded,) = request.infer([features]).values()
        finally:
            self._idle.put(request)
        return encoded  # type: ignore[no-any-return]  # openvino has no types


def _settings(threads: int, abreast: int) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads * abreast,
        "NUM_STREAMS": abreast,
        "ENABLE_CPU_PINNING": False,  # other processes of ours want the same processors
    }


class _Graph:
    """The layers of the encoder, as A. Radford et al. (2022) describe them."""

    def __init__(self, weights: Weights) -> None:
        self._ops = _silent_import(f"{_PACKAGE}.opset13")
        self._weights = weights
        self._heads = int(weights["num_heads"])

    def encoder(self) -> tuple[list[Any], list[Any]]:
        """The outputs and the inputs."""
        mels = self._weights["conv1/weight"].shape[1]
        features = self._ops.parameter([1, mels, -1], np.float32)
        x = self._convolve(features, "conv1", stride=1)
        x = self._ops.transpose(self._convolve(x, "conv2", stride=2), self._whole(0, 2, 1))
        x = self._ops.add(x, self._positions(x))
        layers = sum(name.endswith("ffn/linear_0/weight") for name in self._weights)
        for layer in range(layers):
            x = self._ops.add(x, self._attend(x, f"layer_{layer}/self_attention"))
            x = self._ops.add(x, self._feed_forward(x, f"layer_{layer}/ffn"))
        return [self._normalize(x, "layer_norm")], [features]

    def _convolve(self, x: Any, name: str, *, stride: int) -> Any:
        weight, bias = self._floats(f"{name}/weight"), self._weights[f"{name}/bias"]
        convolved = self._ops.convolution(x, weight, [stride], [1], [1], [1])
        return self._ops.gelu(self._ops.add(convolved, self._ops.constant(bias[:, None])), "erf")

    def _positions(self, x: Any) -> Any:
        """As many as `x` has."""
        ops, zero = self._ops, self._whole(0)
        length = ops.gather(ops.shape_of(x), self._whole(1), zero)
        return ops.slice(self._floats("position_encodings/encodings"), zero, length, self._whole(1), zero)

    def _attend(self, x: Any, name: str) -> Any:
        normal = self._normalize(x, f"{name}/layer_norm")
        weights = np.split(self._weights[f"{name}/linear_0/weight"], 3)
        biases = np.split(self._weights[f"{name}/linear_0/bias"], 3)
        heads = [self._split(self._product(normal, *part)) for part in zip(weights, biases, strict=True)]
        attended = self._ops.transpose(
            self._ops.scaled_dot_product_attention(*heads), self._whole(0, 2, 1, 3)
        )
        joined = self._ops.reshape(attended, self._whole(0, 0, len(biases[0])), special_zero=True)
        return self._linear(joined, f"{name}/linear_1")

    def _split(self, x: Any) -> Any:
        """(1, length, width) to (1, heads, length, width of a head)."""
        split = self._ops.reshape(x, self._whole(0, 0, self._heads, -1), special_zero=True)
        return self._ops.transpose(split, self._whole(0, 2, 1, 3))

    def _feed_forward(self, x: Any, name: str) -> Any:
        wide = self._linear(self._normalize(x, f"{name}/layer_norm"), f"{name}/linear_0")
        return self._linear(self._ops.gelu(wide, "erf"), f"{name}/linear_1")

    def _normalize(self, x: Any, name: str) -> Any:
        normal = self._ops.mvn(
            x, self._whole(-1), normalize_variance=True, eps=_EPSILON, eps_mode="inside_sqrt"
        )
        return self._ops.add(
            self._ops.multiply(normal, self._floats(f"{name}/gamma")), self._floats(f"{name}/beta")
        )

    def _linear(self, x: Any, name: str) -> Any:
        return self._product(x, self._weights[f"{name}/weight"], self._weights[f"{name}/bias"])

    def _product(self, x: Any, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
        product = self._ops.matmul(x, self._ops.constant(weight), transpose_a=False, transpose_b=True)
        return self._ops.add(product, self._ops.constant(bias))

    def _floats(self, name: str) -> Any:
        return self._ops.constant(self._weights[name])

    def _whole(self, *numbers: int) -> Any:
        return self._ops.constant(np.array(numbers, np.int64))
