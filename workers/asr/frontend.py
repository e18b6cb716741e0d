"""Front-ends: the samples of an utterance in, the frames an engine takes out, as they arrive."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.messages import Payload
from workers.engines.log_mel import HOP, N_FFT, LogMel


@dataclass(frozen=True, slots=True)
class Framing:
    """How frames lie on samples.

    Frame i stands `hop` samples after frame i-1 and needs `reach` samples from its own on. The
    first `settling` frames of a front-end that began in the middle of an utterance differ from
    those of one that began at its start; later ones do not.
    """

    hop: int
    reach: int
    settling: int

    def complete(self, samples: int) -> int:
        """Frames that the first `samples` samples complete."""
        return max(0, (samples - self.reach) // self.hop + 1)

    def needed(self, frames: int) -> int:
        """Samples that complete the first `frames` frames."""
        return (frames - 1) * self.hop + self.reach if frames > 0 else 0


class Framer(Protocol):
    """Samples in, complete frames out; however the samples are split, the frames are the same."""

    def push(self, samples: NDArray[np.int16]) -> NDArray[Any]:
        """The frames that these samples complete, along the first axis."""

    def flush(self) -> NDArray[Any]:
        """The frames of the samples not yet framed, with silence after the last."""


@dataclass(frozen=True, slots=True)
class Frontend:
    """What an engine wants to be given, and how to compute it."""

    encoding: Payload
    framing: Framing
    framer: Callable[[], Framer]


class Samples:
    """The framer of engines that take the samples themselves."""

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Every sample is a frame."""
        return samples

    def flush(self) -> NDArray[np.int16]:
        """Nothing was held back."""
        return np.zeros(0, np.int16)


def log_mel(mels: int) -> Frontend:
    """Whisper's features. A frame is centred, and mirrored into where the framer began."""
    framing = Framing(hop=HOP, reach=N_FFT // 2, settling=-(-(N_FFT // 2) // HOP))
    return Frontend("log_mel_f16", framing, lambda: LogMel(mels))


def raw_samples() -> Frontend:
    """The samples as they are."""
    return Frontend("pcm_s16le", Framing(hop=1, reach=1, settling=0), Samples)
