"""An open utterance: its features so far, what is due, and what was heard."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE
from common.errors import InvalidMessage
from common.messages import Payload, Window
from common.stage import EntryId
from workers.emitter.agreement import Agreement
from workers.engines.log_mel import HOP
from workers.engines.speech import Hypothesis, HypothesisWord

LONGEST_S = 30
_CERTAIN_AFTER_S = 3.0
_KEPT_WORDS = 4
_HOPS: dict[Payload, int] = {"log_mel_f16": HOP, "pcm_s16le": 1}


class Utterance:
    """Collects the windows of one utterance until its final is out.

    The view is what partials are made from: all of the utterance, until it fills their context;
    then it moves on behind words that are stable.
    """

    def __init__(self, shard: int, first: Window) -> None:
        self.shard = shard
        self.newest = first
        self.final = False
        self.partial_since_ms: int | None = None
        self.heard_ms = 0
        self.agreement = Agreement()
        self.entries: list[EntryId] = []
        self._frames: list[NDArray[Any]] = []
        self._end = first.start
        self._view = 0

    @property
    def key(self) -> str:
        """Names the utterance among all of its shard."""
        return f"{self.newest.track.key}/{self.newest.start}"

    @property
    def samples(self) -> int:
        """How long it is."""
        return self.newest.end - self.newest.start

    @property
    def view_samples(self) -> int:
        """How long the view is."""
        return self.samples - self._view

    def add(self, entry: EntryId, window: Window, frames: NDArray[Any]) -> None:
        """Take the next window. Raises InvalidMessage where it does not follow the one before."""
        if window.offset != self._end:
            raise InvalidMessage(
                f"utterance {window.utterance}: a window at {window.offset}, expected {self._end}"
            )
        if window.end - window.start > LONGEST_S * SAMPLE_RATE:
            raise InvalidMessage(f"utterance {window.utterance}: longer than {LONGEST_S} s")
        self.entries.append(entry)
        self._frames.append(frames)
        self._end, self.newest = window.end, window
        if window.due == "partial" and self.partial_since_ms is None:
            self.partial_since_ms = window.captured_ms
        if window.due == "final":
            self.final = True

    def whole(self) -> NDArray[Any]:
        """All frames so far."""
        return np.concatenate(self._frames)

    def view(self) -> NDArray[Any]:
        """The frames in view."""
        return self.whole()[self._view // _HOPS[self.newest.encoding] :]

    def hear(self, hypothesis: Hypothesis) -> bool:
        """Take what was heard in the view; returns whether the text or its stable part changed.

        With word times, the view then moves on, and words long past are stable without a second
        opinion, so that it cannot grow.
        """
        self.partial_since_ms = None
        before = self.agreement.text, self.agreement.stable
        words = hypothesis.words
        if words:
            certain = _spoken_by(words, self.view_samples / SAMPLE_RATE - _CERTAIN_AFTER_S)
            self._move_on(words, self.agreement.hear([word.text for word in words], certain=certain))
        elif hypothesis.text:
            self.agreement.hear(hypothesis.text.split())
        return before != (self.agreement.text, self.agreement.stable)

    def _move_on(self, words: Sequence[HypothesisWord], stable: int) -> None:
        first = stable - _KEPT_WORDS
        if first > 0:
            self.agreement.leave(_KEPT_WORDS)
            self._view += int(words[first].start_s * SAMPLE_RATE)


def _spoken_by(words: Sequence[HypothesisWord], seconds: float) -> int:
    return sum(1 for word in words if word.end_s <= seconds)
