"""An open utterance: its features so far, what is due, and what was heard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE, ms_to_samples
from common.errors import InvalidMessage
from common.identity import Meeting
from common.messages import Payload, Window
from common.stage import EntryId
from workers.emitter.agreement import Agreement
from workers.emitter.lead import Lead
from workers.engines.log_mel import HOP
from workers.engines.speech import Hypothesis, HypothesisWord

LONGEST_S = 30
PAUSE = ms_to_samples(60)
"""Silence that may prove to be the end; a final is made from speech and this much after it."""
_CERTAIN_AFTER_S = 3.0
_KEPT_WORDS = 4
_HOPS: dict[Payload, int] = {"log_mel_f16": HOP, "pcm_s16le": 1}


@dataclass(frozen=True, slots=True)
class Draft:
    """What will be the final if nothing more is said after `voiced_end`.

    Made at a service level; `lead` is what the final of the next utterance may then begin with.
    """

    voiced_end: int
    hypothesis: Hypothesis
    level: int
    lead: Lead | None


class Utterance:
    """Collects the windows of one utterance until its final is out.

    The view is what partials are made from: all of the utterance, until it fills their context;
    then it moves on behind words that are stable.

    A final rests on the speech and a set length of silence after it, whether or not more has come.
    So its text is the same whether it was drafted at the pause or made when the endpoint was
    reached.
    """

    def __init__(self, shard: int, first: Window) -> None:
        self.shard = shard
        self.newest = first
        self.final = False
        self.partial_since_ms: int | None = None
        self.heard_ms = 0
        self.alone = self.view_alone = False
        self._draft: Draft | None = None
        self.agreement = Agreement()
        self.entries: list[EntryId] = []
        self._frames: list[NDArray[Any]] = []
        self._end = first.start
        self._view = 0
        self._shown_to = first.start

    @property
    def key(self) -> str:
        """Names the utterance among all of its shard."""
        return f"{self.newest.track.key}/{self.newest.start}"

    @property
    def meeting(self) -> Meeting:
        """The meeting in which it is spoken."""
        return self.newest.track.meeting

    @property
    def due_since_ms(self) -> int:
        """When the audio was captured that has waited longest for a transcript (Unix time)."""
        if self.final or self.partial_since_ms is None:
            return self.newest.voiced_end_captured_ms
        return self.partial_since_ms

    @property
    def samples(self) -> int:
        """How long it is."""
        return self.newest.end - self.newest.start

    @property
    def spoken_samples(self) -> int:
        """How much of it a final rests on."""
        return min(self.samples, self.newest.voiced_end + PAUSE - self.newest.start)

    @property
    def view_samples(self) -> int:
        """How long the view is."""
        return self.samples - self._view

    @property
    def view_moved(self) -> bool:
        """Whether the view begins later than the utterance."""
        return self._view > 0

    @property
    def paused(self) -> bool:
        """Whether nobody has spoken for long enough to draft a final."""
        return self.newest.end - self.newest.voiced_end >= PAUSE

    @property
    def drafted(self) -> Draft | None:
        """The draft of all that was said, if there is one."""
        draft = self._draft
        return draft if draft is not None and draft.voiced_end == self.newest.voiced_end else None

    def partial_due(self, every: int) -> bool:
        """Whether so much was said since the last partial, or the speaker paused."""
        new = self.newest.voiced_end - self._shown_to
        return self.partial_since_ms is not None and (new >= every or self.paused)

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

    def spoken(self) -> NDArray[Any]:
        """The frames that a final rests on."""
        return spoken(self.whole(), self.newest)

    @property
    def frames_per_s(self) -> int:
        """Frames in a second of audio."""
        return SAMPLE_RATE // _HOPS[self.newest.encoding]

    def as_one(self) -> Window:
        """A window that holds the whole utterance, to be put aside."""
        payload = self.whole().tobytes()
        return replace(self.newest, offset=self.newest.start, payload=payload, due="final")

    def view(self) -> NDArray[Any]:
        """The frames in view."""
        return self.whole()[self._view // _HOPS[self.newest.encoding] :]

    def hear_draft(self, draft: Draft) -> bool:
        """Take a draft; returns whether the text or its stable part changed."""
        self._draft = draft
        seen_s = self._view / SAMPLE_RATE
        words = [word for word in draft.hypothesis.words if word.end_s > seen_s]
        shifted = (replace(w, start_s=max(0.0, w.start_s - seen_s), end_s=w.end_s - seen_s) for w in words)
        return self.hear(replace(draft.hypothesis, words=tuple(shifted)))

    def hear(self, hypothesis: Hypothesis, *, moves_on: bool = True) -> bool:
        """Take what was heard in the view; returns whether the text or its stable part changed.

        Where the view then moves on, words long past are stable without a second opinion, so that it
        cannot grow.
        """
        self.partial_since_ms = None
        self._shown_to = self.newest.voiced_end
        before = self.agreement.text, self.agreement.stable
        words = hypothesis.words
        if words and moves_on:
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


def spoken(frames: NDArray[Any], window: Window) -> NDArray[Any]:
    """Of the frames of a whole utterance, those that a final rests on."""
    return frames[: (window.voiced_end + PAUSE - window.start) // _HOPS[window.encoding]]


def _spoken_by(words: Sequence[HypothesisWord], seconds: float) -> int:
    return sum(1 for word in words if word.end_s <= seconds)
