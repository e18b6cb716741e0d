"""Token passing for keyword spotting, over many tracks at once.

A loop of all phones stands for whatever may be said; beside it each phrase is a chain of phones. A phrase
is spotted where the likelihood of the way through its chain, to that of the best way through the loop, is
above a threshold. Source: CMU Sphinx, `kws_search.c`; R. C. Rose and D. B. Paul, "A hidden Markov model
based keyword recognition system" (1990).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workers.engines.sphinx_model import STATES, AcousticModel, Phones
from workers.engines.sphinx_senones import PARTS_OF_A_NAT

_BEGAN_BITS = 20
"""The lower bits of a token: the frame where its chain began, up to three hours. Its score is above them."""
_BEGAN = (1 << _BEGAN_BITS) - 1
_IMPOSSIBLE = -(1 << 60)
_INTO_THE_LOOP = round(math.log(0.1) * PARTS_OF_A_NAT) << _BEGAN_BITS
"""What another phone of the loop costs: as much as makes it no better than a phrase."""
_Tokens = NDArray[np.int64]
_Scores = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Chain:
    """A way to say something, and the likelihood ratio it needs."""

    phones: Phones
    threshold: float


@dataclass(frozen=True, slots=True)
class Passed:
    """A token that came to the end of a chain: it set out at frame `start`, and is there at frame `end`."""

    chain: int
    start: int
    end: int
    score: int


class PhraseNetwork:
    """The loop and the chains, their states in one line: what leaves a state enters the next one.

    A token is one number, so that the better of two brings along where its chain began. Scores are whole
    numbers of 1/1024 nat, so that no order of sums matters.
    """

    def __init__(self, model: AcousticModel, chains: Sequence[Chain]) -> None:
        alone = model.definition.alone()
        spoken = [model.definition.spoken(chain.phones) for chain in chains]
        phones = [*alone, *(phone for chain in spoken for phone in chain)]
        lengths = STATES * np.array([len(chain) for chain in spoken], np.intp)
        self._loop, self._states = STATES * len(alone), STATES * len(phones)
        self._after = self._loop + np.cumsum(lengths)
        self._first = self._after - lengths
        self._thresholds = _parts([math.log(chain.threshold) for chain in chains])
        steps = _parts(model.steps[[phone.transitions for phone in phones]]) << _BEGAN_BITS
        self._stay, self._go = steps.reshape(-1, 2).T.copy()
        self.senones, places = np.unique([phone.senones for phone in phones], return_inverse=True)
        self._places = places.reshape(-1)

    def tokens(self) -> _Tokens:
        """Those of a track that has not begun: the best of each state."""
        tokens = np.full(self._states, _IMPOSSIBLE, np.int64)
        tokens[: self._loop] = 0
        return tokens

    def advance(
        self,
        tracks: Sequence[_Tokens],
        scores: NDArray[np.int32],
        rows: NDArray[np.intp],
        frames: Sequence[int],
    ) -> list[list[Passed]]:
        """Take each track's tokens on by its next frames, in place; per track, those that passed, in order.

        `rows`, of shape (steps, tracks), says which row of the senone `scores` a track sees at each step: the
        tracks are in descending order of their steps, and what is beyond a track's is negative. `frames` are
        the numbers of the tracks' next frames.
        """
        fitting = scores.take(self._places, axis=1).astype(np.int64) << _BEGAN_BITS
        tokens = np.stack(tracks)
        ahead = np.full((*rows.shape, len(self._thresholds)), -1, np.int64)
        since = np.zeros_like(ahead)
        now = np.asarray(frames)[:, None]
        for step, there in enumerate(np.count_nonzero(rows >= 0, axis=1).tolist()):
            seen = fitting.take(rows[step, :there], axis=0)
            ahead[step, :there], since[step, :there] = self._step(tokens[:there], seen, now[:there] + step)
        for track, moved in zip(tracks, tokens, strict=True):
            track[:] = moved
        return _passed(ahead, since, frames)

    def _step(self, tokens: _Tokens, seen: _Tokens, now: NDArray[np.intp]) -> tuple[_Tokens, _Tokens]:
        """Move all by a frame, in place; how far each chain is above its threshold, and since when."""
        tokens += seen
        coming = np.empty((len(tokens), self._states + 1), np.int64)
        np.add(tokens, self._go, out=coming[:, 1:])
        tokens += self._stay
        best = coming[:, STATES : self._loop + 1 : STATES].max(axis=1, keepdims=True)
        out = coming.take(self._after, axis=1)
        coming[:, : self._loop : STATES] = best + _INTO_THE_LOOP
        coming[:, self._first] = (best & ~_BEGAN) + now
        np.maximum(tokens, coming[:, :-1], out=tokens)
        ahead = (out >> _BEGAN_BITS) - (best >> _BEGAN_BITS) - self._thresholds
        return ahead, out & _BEGAN


def _passed(ahead: _Tokens, since: _Tokens, frames: Sequence[int]) -> list[list[Passed]]:
    passed: list[list[Passed]] = [[] for _ in frames]
    for step, track, chain in np.argwhere(ahead >= 0).tolist():
        start, score = int(since[step, track, chain]), int(ahead[step, track, chain])
        passed[track].append(Passed(chain, start, frames[track] + step, score))
    return passed


def _parts(nats: ArrayLike) -> _Tokens:
    parts: _Tokens = np.rint(np.asarray(nats) * PARTS_OF_A_NAT).astype(np.int64)
    return parts
