"""Keyword spotting of many utterances at once: features, senones and tokens of all in step.

What PocketSphinx's keyword search does for one track at a time, with its acoustic model, at a fraction of
its cost: see docs/decisions/keyword-batch.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, sample_count
from workers.engines.phrase_network import Chain, Passed, PhraseNetwork
from workers.engines.sphinx_features import AHEAD, HOP, MEAN_EVERY, WINDOW, FrontEnd, Tail
from workers.engines.sphinx_model import AcousticModel, Phones, load_model
from workers.engines.sphinx_senones import SenoneScorer

_SCORED_EVERY, _SCORED_EVERY_THRIFTY = 3, 5
"""Frames that share the scores of one. With more, some phrases are missed."""
_ROUND = 12
"""Frames of a track at a time, so that a long piece of one makes little padding for the others."""


@dataclass(frozen=True, slots=True)
class Spottable:
    """A phrase's ways to be said, and the likelihood ratio, against any other speech, that it needs.

    The smaller the ratio, the more is found, rightly and wrongly.
    """

    ways: tuple[Phones, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Spotted:
    """A phrase that may have been said, in samples from the start of the utterance.

    It was noticed when the samples before `noticed` had been processed.
    """

    phrase: str
    start: int
    end: int
    noticed: int


class Spotting:
    """One utterance. Samples in, candidates out, the same however they come and whoever else is heard.

    Unless the spotter was thrifty meanwhile: then they depend on what was listened to thriftily.
    """

    def __init__(self, names: Sequence[str], tokens: NDArray[np.int64], senones: int) -> None:
        self._names = names
        self.tokens = tokens
        self.tail = Tail()
        self.scores = np.zeros(senones, np.int32)
        self.finished = False
        self.over = False
        self.heard = 0
        self._found: list[Spotted] = []
        self._best: dict[int, Passed] = {}
        self._told: set[tuple[str, int]] = set()

    def push(self, pcm: bytes) -> None:
        """Samples to listen to."""
        self.heard += sample_count(pcm)
        self.tail.samples = np.concatenate([self.tail.samples, np.frombuffer(pcm, np.int16)])

    def finish(self) -> None:
        """Nothing more comes."""
        self.finished = True
        self.tail.close()

    def give_up(self) -> None:
        """Nobody wants to know what was heard."""
        self.over = True

    def take(self) -> list[Spotted]:
        """Candidates not told yet."""
        found, self._found = self._found, []
        return found

    def note(self, passed: Sequence[Passed]) -> None:
        """Tell what is new: a chain's next place, or a better start of the same."""
        for one in passed:
            best = self._best.get(one.chain)
            if best is not None and one.start < best.end and one.score <= best.score:
                continue
            self._best[one.chain] = one
            phrase = self._names[one.chain]
            if (phrase, one.start) not in self._told:
                self._told.add((phrase, one.start))
                start, end = (max(0, frame - AHEAD) * HOP for frame in (one.start, one.end))
                self._found.append(Spotted(phrase, start, end, min(one.end * HOP + WINDOW, self.heard)))
        self._found.sort(key=_place)


class Spotter:
    """Finds candidates of the given phrases. For one caller at a time."""

    def __init__(self, model: AcousticModel, phrases: Mapping[str, Spottable]) -> None:
        self._names = [phrase for phrase, spottable in phrases.items() for _ in spottable.ways]
        chains = [Chain(way, one.threshold) for one in phrases.values() for way in one.ways]
        self._network = PhraseNetwork(model, chains)
        self._front_end = FrontEnd()
        self._scorer = SenoneScorer(model, self._network.senones)
        self._open: list[Spotting] = []

    @classmethod
    def load(cls, phrases: Mapping[str, Spottable]) -> "Spotter":
        """With the model that PocketSphinx ships, warmed up. Raises EngineError."""
        spotter = cls(load_model(), phrases)
        first = spotter.listen()
        first.push(bytes(BYTES_PER_SAMPLE * SAMPLE_RATE))
        first.finish()
        spotter.work()
        return spotter

    def listen(self) -> Spotting:
        """Start on an utterance."""
        spotting = Spotting(self._names, self._network.tokens(), len(self._network.senones))
        self._open.append(spotting)
        return spotting

    def work(self, *, thrifty: bool = False) -> None:
        """Listen to all that was pushed; at less cost, and not quite as well, if `thrifty`."""
        every = _SCORED_EVERY_THRIFTY if thrifty else _SCORED_EVERY
        self._open = [spotting for spotting in self._open if not spotting.over]
        while ready := [spotting for spotting in self._open if spotting.tail.complete]:
            self._round(sorted(ready, key=_frames, reverse=True), every)
        for spotting in self._open:
            spotting.over = spotting.finished

    def _round(self, line: Sequence[Spotting], every: int) -> None:
        frames = [_frames(spotting) for spotting in line]
        numbers = [spotting.tail.frames for spotting in line]
        features = self._front_end.features([spotting.tail for spotting in line], frames)
        scored, rows = _rows(numbers, frames, every)
        scores = np.concatenate(
            [[spotting.scores for spotting in line], self._scorer.scores(features[scored])]
        )
        passed = self._network.advance([spotting.tokens for spotting in line], scores, rows, numbers)
        for at, spotting in enumerate(line):
            spotting.scores = scores[rows[frames[at] - 1, at]]
            spotting.note(passed[at])


def _frames(spotting: Spotting) -> int:
    """How many come next. A round ends where the mean is taken."""
    tail = spotting.tail
    return min(tail.complete, _ROUND, MEAN_EVERY - tail.frames % MEAN_EVERY)


def _rows(
    numbers: Sequence[int], frames: Sequence[int], every: int
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which steps of which tracks are scored, and which row of the scores each sees.

    The first rows are what the tracks saw last, one each; those scored now follow.
    """
    steps, tracks = np.arange(frames[0])[:, None], np.arange(len(frames))[None]
    there = steps < np.asarray(frames)
    scored = there & ((np.asarray(numbers) + steps) % every == 0)
    fresh = np.where(scored, len(frames) - 1 + np.cumsum(scored).reshape(scored.shape), tracks)
    return scored, np.where(there, np.maximum.accumulate(fresh), -1)


def _place(spotted: Spotted) -> tuple[int, int, str]:
    return spotted.end, spotted.start, spotted.phrase
