"""Whisper as a speech engine: many windows at once, and no more text than was said.

What contexts and beams cost and gain is written down in docs/decisions/asr-whisper.md: 12 s and a
beam of 5 where there is room, 10 or 8 s and greedy when busy, 6 to 8 s greedy without a second try
for partials.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from common.errors import EngineError
from common.messages import Payload
from workers.engines.log_mel import FRAMES_PER_S
from workers.engines.speech import DecodeSettings, Hypothesis, HypothesisWord
from workers.engines.whisper_doubt import (
    audible_after,
    breaks_off,
    circle,
    invented,
    token_bound,
    within_bound,
)
from workers.engines.whisper_model import CPU, Decoded, Device, WhisperModel
from workers.engines.whisper_words import spell, timed_words, unsaid, words_said_before

__all__ = ["FULL_CONTEXT_S", "Device", "WhisperEngine"]

FULL_CONTEXT_S = 30
PADDING_S = 2
LOOP_LOG_PROBABILITY = -1.0  # what a model that goes round in circles thinks of it says nothing


class WhisperEngine:
    """A SpeechEngine for windows of up to 30 s. For one caller at a time; computing releases the GIL.

    A window is padded with silence to `DecodeSettings.context_s`, or to two seconds more than its
    own length, rounded up to whole seconds, and shares a batch with windows of the same padded
    length only.
    """

    encoding: Payload = "log_mel_f16"

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._tokenizer = model.tokenizer

    @classmethod
    def load(cls, weights: Path, *, device: Device = CPU, language: str = "en") -> Self:
        """Load a CTranslate2 model folder (see `find_weights`). Raises EngineError."""
        return cls(WhisperModel.load(weights, device=device, language=language))

    @property
    def mels(self) -> int:
        """Mel bands the features must have."""
        return self._model.mels

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """One hypothesis per window of `log_mel_f16`, in order; empty text where nothing was said.

        With `second_try`, a text that goes round in circles is tried again with the full context,
        and where a text breaks off, the rest of the window is decoded on its own. Raises
        EngineError for a window that is longer than 30 s or of another shape.
        """
        for window in windows:
            self._check(window)
        told: list[list[_Passage]] = [[] for _ in windows]
        rest = {i: _Piece(window) for i, window in enumerate(windows) if len(window)}
        while rest:
            passages = self._passages(list(rest.values()), settings, word_times=word_times)
            heard = dict(zip(rest, passages, strict=True))
            for i, passage in heard.items():
                told[i].append(self._new(told[i], passage))
            rest = {i: rest[i].after(passage.frames) for i, passage in heard.items() if passage.frames}
        return [self._hypothesis(passages) for passages in told]

    def _check(self, window: NDArray[Any]) -> None:
        limit = FULL_CONTEXT_S * FRAMES_PER_S
        if window.ndim != 2 or window.shape[1] != self.mels or len(window) > limit:
            raise EngineError(
                f"a window of shape {window.shape}: Whisper takes up to {limit} frames of {self.mels} mels"
            )

    def _passages(
        self, pieces: "list[_Piece]", settings: DecodeSettings, *, word_times: bool
    ) -> "list[_Passage]":
        """What the beginning of each piece says, up to where its text breaks off."""
        passages = self._attempt(pieces, settings, word_times=word_times)
        if settings.second_try:
            full = replace(settings, context_s=FULL_CONTEXT_S)
            again = [i for i, passage in enumerate(passages) if passage.doubtful]
            second = self._attempt([pieces[i] for i in again], full, word_times=word_times)
            for i, passage in zip(again, second, strict=True):
                passages[i] = passage
        return [passage.believed() for passage in passages]

    def _attempt(
        self, pieces: "list[_Piece]", settings: DecodeSettings, *, word_times: bool
    ) -> "list[_Passage]":
        """Decode each piece once, in batches of the same padded length."""
        groups: dict[int, list[int]] = defaultdict(list)
        for i, piece in enumerate(pieces):
            groups[_padded_frames(len(piece.window), settings.context_s)].append(i)
        passages: dict[int, _Passage] = {}
        for frames, group in groups.items():
            heard = self._hear([pieces[i] for i in group], frames, settings, word_times=word_times)
            passages.update(zip(group, heard, strict=True))
        return [passages[i] for i in range(len(pieces))]

    def _hear(
        self, pieces: "list[_Piece]", frames: int, settings: DecodeSettings, *, word_times: bool
    ) -> "list[_Passage]":
        """One batch. A piece that exceeds its own bound is seen in `_read`: the batch has but one."""
        encoded = self._model.encode([piece.window for piece in pieces], frames)
        bound = max(token_bound(len(piece.window)) for piece in pieces)
        decoded = self._model.decode(encoded, windows=len(pieces), bound=bound, beam=settings.beam)
        passages = [self._read(piece, one, settings) for piece, one in zip(pieces, decoded, strict=True)]
        if not word_times:
            return passages
        ends = [passage.frames or len(piece.window) for piece, passage in zip(pieces, passages, strict=True)]
        aligned = self._model.align(encoded, [passage.tokens for passage in passages], ends)
        parts = zip(pieces, passages, aligned, ends, strict=True)
        return [self._timed(*part) for part in parts]

    def _timed(self, piece: "_Piece", passage: "_Passage", aligned: Any, frames: int) -> "_Passage":
        """The passage with the times of its words, without those put behind the end of the audio."""
        words = timed_words(self._tokenizer, passage.tokens, aligned, piece.start_s)
        surplus = unsaid(words, piece.start_s + frames / FRAMES_PER_S)
        if not surplus:
            return replace(passage, words=words)
        said = spell(self._tokenizer, passage.tokens)[:-surplus]
        tokens = [token for word in said for token in word.tokens]
        # What went in circles, or on without end, did so behind the end of the audio.
        return replace(passage, tokens=tokens, words=words[:-surplus], doubtful=circle(tokens) > 0)

    def _read(self, piece: "_Piece", decoded: Decoded, settings: DecodeSettings) -> "_Passage":
        """The text of a decoded sequence, up to where it breaks off."""
        frames = len(piece.window)
        broken = breaks_off(decoded.sequence, frames, timestamp_begin=self._tokenizer.timestamp_begin)
        if broken and not (settings.second_try and audible_after(piece.window, broken.frames)):
            broken = None
        sequence = decoded.sequence[: broken.tokens] if broken else decoded.sequence
        tokens = [token for token in sequence if token < self._tokenizer.eot]
        passage = _Passage(tokens, decoded.log_probability, decoded.no_speech)
        if circle(tokens) or len(tokens) >= token_bound(frames):
            return replace(passage, tokens=within_bound(tokens, frames), doubtful=True)
        return replace(passage, frames=broken.frames if broken else 0)

    def _new(self, told: "list[_Passage]", passage: "_Passage") -> "_Passage":
        """The passage without what was told already: timestamps are not exact to the word."""
        before = [word for earlier in told for word in spell(self._tokenizer, earlier.tokens)]
        words = spell(self._tokenizer, passage.tokens)
        count = words_said_before(before, words)
        tokens = [token for word in words[count:] for token in word.tokens]
        return replace(passage, tokens=tokens, words=passage.words[count:])

    def _hypothesis(self, passages: "list[_Passage]") -> Hypothesis:
        if not passages:
            return Hypothesis("", (), 0.0, 1.0)
        weights = [len(passage.tokens) + 1 for passage in passages]
        score = float(np.average([passage.log_probability for passage in passages], weights=weights))
        no_speech = min(passage.no_speech for passage in passages)
        text = self._tokenizer.decode([token for passage in passages for token in passage.tokens]).strip()
        if not any(map(str.isalnum, text)):
            return Hypothesis("", (), score, no_speech)
        words = tuple(word for passage in passages for word in passage.words)
        return Hypothesis(text, words, score, no_speech)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is left of a window from `start_s` on."""

    window: NDArray[Any]
    start_s: float = 0.0

    def after(self, frames: int) -> "_Piece":
        return _Piece(self.window[frames:], self.start_s + frames / FRAMES_PER_S)


@dataclass(frozen=True, slots=True)
class _Passage:
    """What a piece says: all of it, or its first `frames`, where that is not 0."""

    tokens: list[int]
    log_probability: float
    no_speech: float
    words: tuple[HypothesisWord, ...] = ()
    doubtful: bool = False
    frames: int = 0

    def believed(self) -> "_Passage":
        """The passage without its text, where that was made up from noise."""
        likely = min(self.log_probability, LOOP_LOG_PROBABILITY) if self.doubtful else self.log_probability
        return replace(self, tokens=[], words=()) if invented(likely, self.no_speech) else self


def _padded_frames(frames: int, context_s: float) -> int:
    needed_s = math.ceil(max(context_s, frames / FRAMES_PER_S + PADDING_S))
    return min(FULL_CONTEXT_S, needed_s) * FRAMES_PER_S
