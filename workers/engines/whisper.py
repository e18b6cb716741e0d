"""Whisper on CTranslate2, many windows at once."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from common.errors import EngineError
from common.messages import Payload
from workers.engines.log_mel import FRAMES_PER_S, assemble
from workers.engines.speech import DecodeSettings, Hypothesis, HypothesisWord
from workers.engines.whisper_doubt import invented, runs_away, token_bound
from workers.engines.whisper_words import timed_words

FULL_CONTEXT_S = 30
_CONTEXT_STEP_S = 1
_PADDING_S = 2.0


@dataclass(frozen=True, slots=True)
class Device:
    """Where and how the model computes. CTranslate2 names the devices and number types."""

    name: str = "cpu"
    compute_type: str = "int8"
    threads: int = 1


class WhisperEngine:
    """A SpeechEngine for windows of up to 30 s. For one caller at a time; computing releases the GIL.

    A window is padded to `DecodeSettings.context_s`, or to two seconds more than its length, and
    shares a batch with windows of the same padded length only.
    """

    encoding: Payload = "log_mel_f16"

    def __init__(self, model: ctranslate2.models.Whisper, tokenizer: Tokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, weights: Path, *, device: Device = Device(), language: str = "en") -> Self:
        """Load a CTranslate2 model folder (see `find_weights`). Raises EngineError."""
        try:
            model = ctranslate2.models.Whisper(
                str(weights),
                device=device.name,
                compute_type=device.compute_type,
                intra_threads=device.threads,
            )
            vocabulary = tokenizers.Tokenizer.from_file(str(weights / "tokenizer.json"))
            tokenizer = Tokenizer(vocabulary, model.is_multilingual, "transcribe", language)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"cannot load Whisper from {weights}: {error}") from error
        return cls(model, tokenizer)

    @property
    def mels(self) -> int:
        """Mel bands the features must have."""
        return int(self._model.n_mels)

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """One hypothesis per window, in order; empty text where nothing was said.

        Takes `log_mel_f16`. A text that runs away is tried again with the full context. Raises
        EngineError for a window that is longer than 30 s or of another shape.
        """
        heard = self._in_batches(windows, settings, word_times=word_times)
        again = [
            i for i, window in enumerate(windows) if runs_away(heard[i].tokens, len(window) / FRAMES_PER_S)
        ]
        full = DecodeSettings(FULL_CONTEXT_S, settings.beam)
        for i, second in zip(
            again, self._in_batches([windows[i] for i in again], full, word_times=word_times), strict=True
        ):
            heard[i] = second
        return [self._hypothesis(one) for one in heard]

    def _in_batches(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> "list[_Heard]":
        groups: dict[int, list[int]] = defaultdict(list)
        for i, window in enumerate(windows):
            groups[self._padded_frames(window, settings.context_s)].append(i)
        heard: dict[int, _Heard] = {}
        for frames, group in groups.items():
            batch = _Batch([windows[i] for i in group], frames, settings.beam, word_times)
            heard.update(zip(group, self._hear(batch), strict=True))
        return [heard[i] for i in range(len(windows))]

    def _padded_frames(self, window: NDArray[Any], context_s: float) -> int:
        if window.ndim != 2 or window.shape[1] != self.mels or len(window) > FULL_CONTEXT_S * FRAMES_PER_S:
            raise EngineError(
                f"a window of shape {window.shape}: Whisper takes up to 3000 frames of {self.mels} mels"
            )
        needed_s = max(context_s, len(window) / FRAMES_PER_S + _PADDING_S)
        return min(FULL_CONTEXT_S, math.ceil(needed_s / _CONTEXT_STEP_S) * _CONTEXT_STEP_S) * FRAMES_PER_S

    def _hear(self, batch: "_Batch") -> "list[_Heard]":
        features = np.stack([assemble(window, batch.frames) for window in batch.windows])
        bounds = [token_bound(len(window) / FRAMES_PER_S) for window in batch.windows]
        prompt = list(self._tokenizer.sot_sequence)
        try:
            encoded = self._model.encode(ctranslate2.StorageView.from_array(features))
            results = self._model.generate(
                encoded,
                [prompt] * len(batch.windows),
                beam_size=batch.beam,
                max_length=len(prompt) + max(bounds),
                return_scores=True,
                return_no_speech_prob=True,
            )
        except RuntimeError as error:
            raise EngineError(f"Whisper failed on {len(batch.windows)} windows: {error}") from error
        texts = [
            [token for token in result.sequences_ids[0] if token < self._tokenizer.eot] for result in results
        ]
        words = self._words(encoded, texts, batch) if batch.word_times else [()] * len(texts)
        return [
            _Heard(tokens, times, result.scores[0], result.no_speech_prob)
            for tokens, times, result in zip(texts, words, results, strict=True)
        ]

    def _words(
        self, encoded: ctranslate2.StorageView, texts: list[list[int]], batch: "_Batch"
    ) -> list[tuple[HypothesisWord, ...]]:
        frames = [len(window) for window in batch.windows]
        aligned = self._model.align(encoded, list(self._tokenizer.sot_sequence), texts, frames)
        return [
            timed_words(self._tokenizer, tokens, result) if tokens else ()
            for tokens, result in zip(texts, aligned, strict=True)
        ]

    def _hypothesis(self, heard: "_Heard") -> Hypothesis:
        if invented(heard.log_probability, heard.no_speech):
            return Hypothesis("", (), heard.log_probability, heard.no_speech)
        text = self._tokenizer.decode(heard.tokens).strip()
        return Hypothesis(text, heard.words, heard.log_probability, heard.no_speech)


@dataclass(frozen=True, slots=True)
class _Batch:
    windows: list[NDArray[Any]]
    frames: int
    beam: int
    word_times: bool


@dataclass(frozen=True, slots=True)
class _Heard:
    tokens: list[int]
    words: tuple[HypothesisWord, ...]
    log_probability: float
    no_speech: float
