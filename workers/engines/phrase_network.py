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

_IMPOSSIBLE = -(1 << 29)
_INTO_THE_LOOP = round(math.log(0.1) * PARTS_OF_A_NAT)
"""What another phone of the loop costs: as much as makes it no better than a phrase."""
_Whole = NDArray[np.int32]


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


class Tokens:
    """A track's: the best score of each state of the network, and the frame where its chain began."""

    __slots__ = ("began", "scores")

    def __init__(self, network: "PhraseNetwork") -> None:
        self.scores: _Whole = np.full(network.states, _IMPOSSIBLE, np.int32)
        self.scores[: network.loop] = 0
        self.began: _Whole = np.zeros_like(self.scores)


class PhraseNetwork:
    """The loop and the chains, their states in one line: what leaves a state enters the next one.

    Scores are whole numbers of 1/1024 nat, so that no order of sums matters.
    """

    def __init__(self, model: AcousticModel, chains: Sequence[Chain]) -> None:
        alone = model.definition.alone()
        spoken = [model.definition.spoken(chain.phones) for chain in chains]
        phones = [*alone, *(phone for chain in spoken for phone in chain)]
        lengths = STATES * np.array([len(chain) for chain in spoken], np.intp)
        self.loop, self.states = STATES * len(alone), STATES * len(phones)
        self._after = self.loop + np.cumsum(lengths)
        self._first = self._after - lengths
        self._thresholds = _parts([math.log(chain.threshold) for chain in chains])
        steps = _parts(model.steps[[phone.transitions for phone in phones]])
        self._stay, self._go = steps.reshape(-1, 2).T.copy()
        self.senones, places = np.unique([phone.senones for phone in phones], return_inverse=True)
        self._places = places.reshape(-1)

    def advance(
        self, tracks: Sequence[Tokens], scores: _Whole, rows: NDArray[np.intp], frames: Sequence[int]
    ) -> list[list[Passed]]:
        """Take each track's next frames; per track, the tokens that passed, in order.

        `rows`, of shape (steps, tracks), says which row of the senone `scores` a track sees at each step: the
        tracks are in descending order of their steps, and what is beyond a track's is negative. `frames` are
        the numbers of the tracks' next frames.
        """
        fitting = scores[:, self._places]
        state = np.stack([track.scores for track in tracks])
        began = np.stack([track.began for track in tracks])
        ahead = np.full((*rows.shape, len(self._thresholds)), _IMPOSSIBLE, np.int32)
        since = np.zeros_like(ahead)
        now = np.asarray(frames, np.int32)[:, None]
        for step, there in enumerate(np.count_nonzero(rows >= 0, axis=1).tolist()):
            tokens = state[:there], began[:there]
            seen = fitting.take(rows[step, :there], axis=0)
            ahead[step, :there], since[step, :there] = self._step(*tokens, seen, now[:there] + step)
        for track, scored, since_when in zip(tracks, state, began, strict=True):
            track.scores, track.began = scored - scored.max(), since_when.copy()
        return _passed(ahead, since, frames)

    def _step(self, state: _Whole, began: _Whole, seen: _Whole, now: _Whole) -> tuple[_Whole, _Whole]:
        """Move all tokens by a frame, in place; how far each chain is above its threshold, and since when."""
        state += seen
        coming = np.empty((len(state), self.states + 1), np.int32)
        np.add(state, self._go, out=coming[:, 1:])
        state += self._stay
        best = coming[:, STATES : self.loop + 1 : STATES].max(axis=1, keepdims=True)
        ahead = coming.take(self._after, axis=1) - best - self._thresholds
        since = began.take(self._after - 1, axis=1)
        coming[:, : self.loop : STATES] = best + _INTO_THE_LOOP
        coming[:, self._first] = best
        entered = coming[:, :-1] > state
        np.maximum(state, coming[:, :-1], out=state)
        np.copyto(began[:, 1:], began[:, :-1], where=entered[:, 1:])
        began[:, self._first] = np.where(entered[:, self._first], now, began[:, self._first])
        return ahead, since


def _passed(ahead: _Whole, since: _Whole, frames: Sequence[int]) -> list[list[Passed]]:
    passed: list[list[Passed]] = [[] for _ in frames]
    for step, track, chain in np.argwhere(ahead >= 0).tolist():
        start, score = int(since[step, track, chain]), int(ahead[step, track, chain])
        passed[track].append(Passed(chain, start, frames[track] + step, score))
    return passed


def _parts(nats: ArrayLike) -> _Whole:
    parts: _Whole = np.rint(np.asarray(nats) * PARTS_OF_A_NAT).astype(np.int32)
    return parts
