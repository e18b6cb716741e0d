"""Silero VAD (the weights of the ONNX model inside faster-whisper), one hop of many tracks in one run.

The model takes 576 samples: a hop of 512 behind the last 64 of the hop before.
"""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError
from workers.engines.onnx_graph import open_session
from workers.engines.silero_graph import CONTEXT, HOP, STATE, batched_graph

_FULL_SCALE = 32_768.0
_FIRST_LANES = 64


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
        self._session = open_session(batched_graph(model))
        self._scale = np.float32(gain / _FULL_SCALE)
        self._hidden = np.zeros((_FIRST_LANES, STATE), np.float32)
        self._cell = np.zeros((_FIRST_LANES, STATE), np.float32)
        self._context = np.zeros((_FIRST_LANES, CONTEXT), np.float32)
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
        self._context[lanes] = samples[:, -CONTEXT:]
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
