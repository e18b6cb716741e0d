"""Silero VAD (the ONNX model inside faster-whisper), one hop of many tracks in one run.

The bundled graph (v6) takes (hops, 576) samples: a hop of 512 behind the last 64 of the hop before.
Its encoder works on every hop alone, but its LSTM runs along that axis as time, with a batch of
one, so as it stands it cannot serve two tracks in one run. `_batched` turns that axis into the
batch of a single time step.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError

HOP = 512
"""Samples that one probability covers."""
_CONTEXT = 64
_STATE = 128
_FULL_SCALE = 32_768.0
_FIRST_LANES = 64

# Edits of equal length in the serialised graph (protobuf wire format), each with how often its
# place must occur. The transpose before the LSTM yields (1, tracks, 128) in place of
# (hops, 1, 128); the declared shape (1, 1, 128) of the four states leaves its second axis open.
_STATE_SHAPE = b"\x08\x01\x12\r\n\x02\x08\x01\n\x02\x08\x01\n\x03\x08\x80\x01"
_EDITS = (
    (b"\n\x04perm@\x00@\x02@\x01", b"\n\x04perm@\x02@\x00@\x01", 1),
    (_STATE_SHAPE, _STATE_SHAPE[:8] + b"\n\x02\x12\x00" + _STATE_SHAPE[12:], 4),
)


def find_model() -> Path | None:
    """The model in the installed faster-whisper, without importing it; None where a part is missing."""
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    package = importlib.util.find_spec("faster_whisper")
    if package is None or package.origin is None:
        return None
    return next(iter(sorted(Path(package.origin).parent.glob("assets/silero_vad*.onnx"))), None)


class Silero:
    """The model and, per lane, the state of the track that holds the lane.

    A lane is a row of the state arrays: `open_lane`, then hops in order through `probabilities`,
    `reset` wherever the audio jumps, `close_lane` at the end.
    """

    def __init__(self, model: Path, *, gain: float) -> None:
        self._session = _session(_batched(model))
        self._scale = np.float32(gain / _FULL_SCALE)
        self._hidden = np.zeros((_FIRST_LANES, _STATE), np.float32)
        self._cell = np.zeros((_FIRST_LANES, _STATE), np.float32)
        self._context = np.zeros((_FIRST_LANES, _CONTEXT), np.float32)
        self._free = list(range(_FIRST_LANES))

    def open_lane(self) -> int:
        """A lane with fresh state."""
        if not self._free:
            self._grow()
        lane = self._free.pop()
        self.reset(lane)
        return lane

    def reset(self, lane: int) -> None:
        """Forget what was heard on the lane."""
        self._hidden[lane] = 0
        self._cell[lane] = 0
        self._context[lane] = 0

    def close_lane(self, lane: int) -> None:
        """Give the lane back."""
        self._free.append(lane)

    def probabilities(self, lanes: NDArray[np.intp], hops: NDArray[np.int16]) -> NDArray[np.float32]:
        """Speech probability, shape (n,), of the next hop, shape (n, 512), of each of n distinct lanes."""
        samples = np.clip(hops * self._scale, -1, 1)
        windows = np.concatenate([self._context[lanes], samples], axis=1)
        state = {"h": self._hidden[None, lanes], "c": self._cell[None, lanes]}
        speech, hidden, cell = self._session.run(None, {"input": windows, **state})
        if len(speech) != len(lanes):
            raise EngineError(f"Silero returned {len(speech)} probabilities for {len(lanes)} hops")
        self._hidden[lanes], self._cell[lanes] = hidden[0], cell[0]
        self._context[lanes] = samples[:, -_CONTEXT:]
        probabilities: NDArray[np.float32] = speech
        return probabilities

    def warm_up(self) -> None:
        """Let onnxruntime plan and allocate what the first run needs."""
        lane = self.open_lane()
        self.probabilities(np.array([lane]), np.zeros((1, HOP), np.int16))
        self.close_lane(lane)

    def _grow(self) -> None:
        lanes = len(self._hidden)
        self._free.extend(range(lanes, 2 * lanes))
        self._hidden, self._cell, self._context = (
            np.concatenate([rows, np.zeros_like(rows)]) for rows in (self._hidden, self._cell, self._context)
        )


def _batched(model: Path) -> bytes:
    """The graph with tracks on its first axis. Raises EngineError where it is another graph."""
    graph = model.read_bytes()
    for old, new, places in _EDITS:
        if graph.count(old) != places:
            raise EngineError(
                f"{model}: not the Silero graph this version knows (faster-whisper 1.2); "
                "install that one, or set HUBBUB_VAD__SILERO=off"
            )
        graph = graph.replace(old, new)
    return graph


def _session(graph: bytes) -> Any:
    """An onnxruntime session on one thread: the batch is the parallelism, and processes scale."""
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The graph still declares its outputs for one track, which onnxruntime remarks at every run.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
