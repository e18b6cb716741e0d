"""The little of the ONNX file format that it takes to read weights and to write a graph.

Source: onnx.proto of ONNX 1.16 (IR version 8, opset 17); the numbers are its field numbers. The
`onnx` package does the same and brings a compiler's worth of things with it.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError

Array = NDArray[np.float32] | NDArray[np.int64]
Attribute = int | str | tuple[int, ...]
_FLOAT, _INT64 = 1, 7
_ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_INTS = 2, 3, 7
_IR_VERSION, _OPSET = 8, 17
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """The float tensors of a model, by name. Raises EngineError where it is none."""
    try:
        graph = next(value for number, value in _fields(model) if number == 7 and isinstance(value, bytes))
        tensors = [value for number, value in _fields(graph) if number == 5 and isinstance(value, bytes)]
        return dict(named for tensor in tensors for named in _tensor(tensor))
    except (IndexError, StopIteration, ValueError) as error:
        raise EngineError(f"not an ONNX model: {error!r}") from error


def open_session(graph: bytes) -> Any:
    """An onnxruntime session on one thread: the batch is the parallelism, and processes scale.

    Raises EngineError where onnxruntime is missing.
    """
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise EngineError("onnxruntime is missing: pip install 'hubbub[local]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class GraphWriter:
    """Builds a model node by node. Every value has a name; `apply` returns that of a new one."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._names = 0

    def constant(self, array: Array) -> str:
        """A tensor that belongs to the model."""
        name = self._name()
        kind = _FLOAT if array.dtype == np.float32 else _INT64
        dims = [_number(1, dim) for dim in array.shape]
        raw = np.ascontiguousarray(array).tobytes()
        self._constants.append(b"".join([*dims, _number(2, kind), _text(8, name), _bytes(9, raw)]))
        return name

    def whole(self, *numbers: int) -> str:
        """Whole numbers that belong to the model."""
        return self.constant(np.array(numbers, np.int64))

    def slice(self, value: str, span: tuple[int, int, int], *, axis: int) -> str:
        """From, to, step."""
        start, end, step = map(self.whole, span)
        return self.apply("Slice", value, start, end, self.whole(axis), step)

    def apply(self, op: str, *inputs: str, outputs: Sequence[str] = (), **attributes: Attribute) -> str:
        """A node, the name of whose first output is returned; an input of no name is left out."""
        names = list(outputs) or [self._name()]
        parts = [_text(1, name) for name in inputs] + [_text(2, name) for name in names]
        parts += [_text(4, op), *(_bytes(5, _attribute(*item)) for item in attributes.items())]
        self._nodes.append(b"".join(parts))
        return names[0]

    def model(self, inputs: dict[str, Sequence[int | str]], outputs: Sequence[str]) -> bytes:
        """The file. Inputs are floats; a dimension is a size, or the name of one that may vary."""
        graph = [_bytes(1, node) for node in self._nodes] + [_text(2, "graph")]
        graph += [_bytes(5, tensor) for tensor in self._constants]
        graph += [_bytes(11, _value(name, shape)) for name, shape in inputs.items()]
        graph += [_bytes(12, _value(name, None)) for name in outputs]
        opset = _text(1, "") + _number(2, _OPSET)
        return _number(1, _IR_VERSION) + _bytes(7, b"".join(graph)) + _bytes(8, opset)

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"


def _tensor(tensor: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    fields = list(_fields(tensor))
    if (2, _FLOAT) in fields:
        dims = [value for number, value in fields if number == 1 and isinstance(value, int)]
        by_number = {number: value for number, value in fields if isinstance(value, bytes)}
        yield by_number[8].decode(), np.frombuffer(by_number[9], np.float32).reshape(dims)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _BYTES:
            size, at = _read_varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError(f"wire type {wire} at byte {at}")
        yield number, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, _ATTRIBUTE_STRING)
    numbers = b"".join(_number(8, number) for number in value)
    return _text(1, name) + numbers + _number(20, _ATTRIBUTE_INTS)


def _value(name: str, shape: Sequence[int | str] | None) -> bytes:
    tensor = _number(1, _FLOAT)
    if shape is not None:
        dims = [_number(1, dim) if isinstance(dim, int) else _text(2, dim) for dim in shape]
        tensor += _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))
