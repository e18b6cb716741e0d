"""A take: one track from a sample on at which everything starts afresh, models included."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.audio import ms_to_samples
from common.settings import VadSettings
from workers.engines.silero_graph import HOP
from workers.engines.webrtc import FRAME
from workers.vad.decision import Decider, Thresholds
from workers.vad.gate import Gate
from workers.vad.segmentation import Piece, Rules, Segmenter
from workers.vad.split import STRETCH, QuietPlace
from workers.vad.tape import Kept, Tape

_SILERO_LAG = ms_to_samples(20)
"""Silero's probability follows the voice by about this much (measured on labelled speech)."""
_WARM_UP = ms_to_samples(240)
"""Audio ahead of what a pre-roll may need, for models that start afresh."""
_LONG_SILENCE = ms_to_samples(4000)
"""Silence after which a take is given up for a new one, so that its entries can go."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What takes are made of. Without thresholds webrtcvad decides alone."""

    mode: int
    thresholds: Thresholds | None
    rules: Rules
    max_utterance: int

    @classmethod
    def of(cls, settings: VadSettings, *, silero: bool) -> "Setup":
        """The set-up a configuration asks for."""
        thresholds = Thresholds(
            enter=settings.enter_probability, stay=settings.stay_probability, weak=settings.weak_probability
        )
        unit, lag = (HOP, _SILERO_LAG) if silero else (FRAME, 0)
        return cls(
            mode=settings.mode,
            thresholds=thresholds if silero else None,
            rules=Rules.of(settings, unit=unit, lag=lag),
            max_utterance=ms_to_samples(settings.max_utterance_ms),
        )

    @property
    def warm_up(self) -> int:
        """Samples with which a new take begins, of what the take before has heard."""
        return self.rules.preroll + _WARM_UP


class Take:
    """The tape, the models and the segmenter of a take.

    A turn is `hear`; then, where Silero decides, `hops` and `answer`; then `piece`.
    """

    __slots__ = ("_base", "_decider", "_gate", "_quiet_place", "_setup", "segmenter", "tape")

    def __init__(self, setup: Setup, base: int) -> None:
        self._setup = setup
        self._base = base
        self._gate = Gate(setup.mode, base)
        self._decider = Decider(setup.thresholds) if setup.thresholds else None
        self._quiet_place: QuietPlace | None = None
        self.tape = Tape(base)
        self.segmenter = Segmenter(setup.rules, base)

    def hear(self, kept: Kept) -> None:
        """Take the audio that follows."""
        self.tape.append(kept)
        if self._decider is None:
            self.segmenter.hear(self._gate.hear(kept.pcm))
        elif self.segmenter.start is None:
            # Once an utterance is open, Silero hears everything until the take ends with it.
            self._gate.hear(kept.pcm)

    def hops(self) -> tuple[bytes, bool]:
        """The audio of the hops that Silero is to hear now, and whether it starts afresh there."""
        start, end = self._gate.hops(self.tape.end, awake=not self.segmenter.idle)
        if start == end:
            return b"", False
        afresh = start == self._base or start != self.segmenter.decided
        if afresh and self._decider:
            self._decider.start_afresh()
        self.segmenter.skip(start)
        return self.tape.read(start, end), afresh

    def answer(self, hops: Iterable[tuple[float, float]]) -> None:
        """Silero's probability of speech in each of those hops, and its power."""
        assert self._decider is not None
        self.segmenter.hear(self._decider.decide(hops))

    def piece(self) -> Piece | None:
        """What is to be passed on after this turn; where it is closed, the take is over."""
        if self.segmenter.start is None:
            return None
        if self._too_long(self.segmenter.start):
            self.segmenter.close("split")
        return self.segmenter.piece(self.tape.end)

    @property
    def stale(self) -> bool:
        """Nothing was said for so long that a new take should begin."""
        return self.segmenter.start is None and self.tape.end - self._base >= _LONG_SILENCE

    def _too_long(self, start: int) -> bool:
        limit = self._setup.max_utterance
        if self.tape.end - start < limit * 2 // 3:
            return False
        places_left = (start + limit - self.tape.end) // self.tape.last_length
        if self._quiet_place is None:
            self._quiet_place = QuietPlace(self._samples(start))
        return places_left < 1 or self._quiet_place.here(
            self._samples(self.tape.end - STRETCH), places_left=places_left
        )

    def _samples(self, start: int) -> NDArray[np.int16]:
        return np.frombuffer(self.tape.read(start, self.tape.end), np.int16)
