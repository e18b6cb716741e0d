"""The weights in a CTranslate2 model folder, as the numbers they stand for.

Source: the binary layout (version 6) that CTranslate2 4 writes in `specs/model_spec.py`. All numbers
are little-endian; a name is a 16-bit length, which counts the zero at the end, and its bytes.
"""

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError

_VERSION = 6
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_BFLOAT16 = 5
_SCALE = "_scale"


def read_weights(model: Path, prefix: str) -> dict[str, NDArray[np.float32]]:
    """The weights whose names begin so, by what follows it. Raises EngineError."""
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            stored = _Reader(content).weights(prefix)
    except (OSError, struct.error, ValueError, KeyError) as error:
        raise EngineError(f"{model} is no CTranslate2 model of version {_VERSION}: {error!r}") from error
    scales = {name.removesuffix(_SCALE): array for name, array in stored.items() if name.endswith(_SCALE)}
    return {
        name: _unscaled(array, scales[name]) if name in scales else array
        for name, array in stored.items()
        if not name.endswith(_SCALE)
    }


def _unscaled(integers: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """What was stored as integers, with one scale a row, or one in all."""
    return integers / scale.reshape(-1, *[1] * (integers.ndim - 1))


class _Reader:
    """Reads from the start of the file on."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 0

    def weights(self, prefix: str) -> dict[str, NDArray[np.float32]]:
        version = self._number("I")
        if version != _VERSION:
            raise ValueError(f"its version is {version}")
        self._name()
        self._number("I")
        found = dict(self._variable(prefix) for _ in range(self._number("I")))
        for _ in range(self._number("I")):
            alias, name = self._name(), self._name()
            found[alias] = found[name]
        return {name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)}

    def _variable(self, prefix: str) -> tuple[str, NDArray[np.float32]]:
        name = self._name()
        shape = [self._number("I") for _ in range(self._number("B"))]
        kind, size = self._number("B"), self._number("I")
        begin, self._at = self._at, self._at + size
        if not name.startswith(prefix):
            return name, np.zeros(0, np.float32)  # what is not asked for need not be unpacked
        return name, _floats(self._content[begin : self._at], kind).reshape(shape)

    def _name(self) -> str:
        length = self._number("H")
        begin, self._at = self._at, self._at + length
        return self._content[begin : self._at - 1].decode()

    def _number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self._content, self._at)
        self._at += struct.calcsize(f"<{form}")
        return int(value)


def _floats(raw: bytes, kind: int) -> NDArray[Any]:
    if kind == _BFLOAT16:
        return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, _TYPES[kind]).astype(np.float32)
