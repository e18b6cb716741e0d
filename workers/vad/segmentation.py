"""Where utterances of one track begin and end: decisions in, pieces of utterances out.

Nothing here knows how speech is detected, what an entry is, or what time it is. A segmenter
covers one *take*: the audio from a sample at which everything starts afresh. What it does
follows from the decisions of that take alone, so that a replay of the take repeats it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.audio import ms_to_samples
from common.messages import UtteranceEnd
from common.settings import VadSettings

_BLIP = ms_to_samples(200)
"""A first sound followed by this much silence was no speech."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All in samples. A decision covers `unit` samples and comes `lag` samples late."""

    unit: int
    lag: int
    min_speech: int
    preroll: int
    tail: int
    endpoint: int

    @classmethod
    def of(cls, settings: VadSettings, *, unit: int, lag: int) -> "Rules":
        """The rules that a configuration asks for."""
        endpoint = ms_to_samples(settings.endpoint_ms)
        return cls(
            unit=unit,
            lag=lag,
            min_speech=ms_to_samples(settings.min_speech_ms),
            preroll=ms_to_samples(settings.preroll_ms),
            tail=min(endpoint, ms_to_samples(settings.tail_ms)),
            endpoint=endpoint,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """The samples `offset` to `end` of the utterance that began at `start`."""

    start: int
    offset: int
    end: int
    voiced_end: int
    closed: UtteranceEnd = ""


class Segmenter:
    """One take of one track.

    Feed decisions with `hear` as audio comes in and fetch what is to be passed on with `piece`.
    After a piece that is `closed` the take is over. Silence is passed on up to `tail` behind
    speech; what lies beyond is held back until speech resumes, so that a closed utterance ends
    `tail` after its speech and yet no sample of speech ever waits.
    """

    def __init__(self, rules: Rules, base: int) -> None:
        self._rules = rules
        self._base = base
        self._onset = base
        self._heard = 0  # samples of speech since the onset, before an utterance opens
        self._sent = base
        self.decided = base
        self.start: int | None = None
        self.voiced_end = base
        self.closed: UtteranceEnd = ""

    @property
    def idle(self) -> bool:
        """No utterance is open, and no sound that may become one."""
        return self.start is None and not self._heard

    def hear(self, decisions: Sequence[bool]) -> None:
        """Whether each following unit is speech. Stops where the utterance reaches its endpoint."""
        if self.idle and True not in decisions:
            self.decided += len(decisions) * self._rules.unit
            return
        if self.start is not None and decisions and False not in decisions:
            self.decided += len(decisions) * self._rules.unit
            self.voiced_end = max(self._base, self.decided - self._rules.lag)
            return
        for speech in decisions:
            if self.closed:
                return
            self.decided += self._rules.unit
            if speech:
                self._speech()
            else:
                self._silence(self.decided - self._rules.lag - self.voiced_end)

    def skip(self, decided: int) -> None:
        """Nobody spoke between what was decided and `decided`."""
        self.decided = decided

    def close(self, reason: UtteranceEnd) -> None:
        """End the open utterance, if there is one."""
        if self.start is not None and not self.closed:
            self.closed = reason

    def piece(self, position: int) -> Piece | None:
        """What is to be passed on, now that audio up to `position` is there."""
        if self.start is None:
            return None
        offset = self._sent
        self._sent = max(offset, min(position, self.voiced_end + self._rules.tail))
        if self._sent == offset and not self.closed:
            return None
        return Piece(self.start, offset, self._sent, self.voiced_end, self.closed)

    def _speech(self) -> None:
        if self.start is None:
            if not self._heard:
                self._onset = self.decided - self._rules.unit - self._rules.lag
            self._heard += self._rules.unit
        self.voiced_end = max(self._base, self.decided - self._rules.lag)
        if self.start is None and self._heard >= self._rules.min_speech:
            self.start = self._sent = max(self._base, self._onset - self._rules.preroll)

    def _silence(self, silence: int) -> None:
        if self.start is None:
            if silence >= _BLIP:
                self._heard = 0
        elif silence >= self._rules.endpoint:
            self.closed = "endpoint"
