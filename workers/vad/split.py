"""Where to cut an utterance that has grown too long, without having heard what follows."""

import numpy as np
from numpy.typing import NDArray

from common.audio import ms_to_samples

STRETCH = ms_to_samples(60)
"""What a cut should fall behind: about as long as the shortest pauses between words."""


class QuietPlace:
    """Says of one place after the other whether to cut there; at the last one, always.

    A place ranks by how many of the stretches said so far were quieter. It is taken when that
    share is at most 2 / (places left + 2): the rule that makes the expected share smallest (L. Moser,
    On a problem of Cayley, Scripta Mathematica 22, 1956).
    """

    def __init__(self, said: NDArray[np.int16]) -> None:
        stretches = said[: len(said) // STRETCH * STRETCH].reshape(-1, STRETCH)
        self._levels = np.sort(np.square(stretches, dtype=np.float32).mean(axis=1))

    def here(self, stretch: NDArray[np.int16], *, places_left: int) -> bool:
        """Whether the stretch before a place is quiet enough, given how many places will follow."""
        level = np.square(stretch, dtype=np.float32).mean()
        quieter = int(np.searchsorted(self._levels, level))
        return quieter <= len(self._levels) * 2 / (places_left + 2)
