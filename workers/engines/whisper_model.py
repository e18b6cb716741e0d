"""Whisper's network and vocabulary: what CTranslate2 computes, in the terms of this project."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ctranslate2
import numpy as np
import structlog
import tokenizers
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from common.errors import EngineError
from workers.engines.log_mel import FRAMES_PER_S, assemble
from workers.engines.whisper_encoder import MatrixEncoder, matrix_library, matrix_units

AUTO = "auto"
_FRAMES_PER_POSITION = 2
_SILENCE_FRAMES = FRAMES_PER_S


@dataclass(frozen=True, slots=True)
class Device:
    """Where and how the model computes, in CTranslate2's names.

    But `auto` is int8, with an encoder in bfloat16 on a processor that has matrix units for it.
    On a processor a batch is divided among up to `abreast` computations, each of which uses `threads`.
    """

    name: str = "cpu"
    compute_type: str = AUTO
    threads: int = 1
    abreast: int = 1

    @property
    def matrices(self) -> bool:
        """Whether the encoder can and may use matrix units."""
        automatic = (self.name, self.compute_type) == ("cpu", AUTO)
        return automatic and matrix_units() and matrix_library()


CPU = Device()


@dataclass(frozen=True, slots=True)
class Decoded:
    """One sequence of tokens, timestamps among them, with its mean log probability a token."""

    sequence: list[int]
    log_probability: float
    no_speech: float


class WhisperModel:
    """Encodes windows, and decodes and aligns texts for what was encoded. Computing releases the GIL."""

    def __init__(
        self,
        model: ctranslate2.models.Whisper,
        tokenizer: Tokenizer,
        *,
        encoder: MatrixEncoder | None = None,
        abreast: int = 1,
    ) -> None:
        self._model = model
        self._encoder = encoder
        self.tokenizer = tokenizer
        self._prompt = list(tokenizer.sot_sequence)
        self._abreast = abreast
        self._threads = ThreadPoolExecutor(abreast)

    @classmethod
    def load(cls, weights: Path, *, device: Device, language: str) -> Self:
        """Load a CTranslate2 model folder. Raises EngineError."""
        try:
            model = ctranslate2.models.Whisper(
                str(weights),
                device=device.name,
                compute_type="int8" if device.compute_type == AUTO else device.compute_type,
                intra_threads=device.threads,
                inter_threads=device.abreast if device.name == "cpu" else 1,
            )
            vocabulary = tokenizers.Tokenizer.from_file(str(weights / "tokenizer.json"))
            tokenizer = Tokenizer(vocabulary, model.is_multilingual, "transcribe", language)
        except Exception as error:  # tokenizers raises nothing narrower
            raise EngineError(f"cannot load Whisper from {weights}: {error}") from error
        return cls(model, tokenizer, encoder=_matrix_encoder(weights, device), abreast=device.abreast)

    @property
    def mels(self) -> int:
        """Mel bands the features must have."""
        return int(self._model.n_mels)

    def encode(self, windows: Sequence[NDArray[Any]], frames: int) -> ctranslate2.StorageView:
        """Encode windows, each padded to `frames`. Raises EngineError.

        On a processor one by one: what several together need does not fit its cache.
        """
        features = [assemble(window, frames)[np.newaxis] for window in windows]
        try:
            if self._model.device != "cpu":
                return self._model.encode(_view(np.concatenate(features)))
            encoded = list(self._threads.map(self._encode, features))
        except RuntimeError as error:
            raise EngineError(
                f"Whisper cannot encode {len(windows)} x {features[0].shape}: {error}"
            ) from error
        return _view(np.concatenate(encoded))

    def _encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._encoder:
            return self._encoder.encode(features)
        return np.asarray(self._model.encode(_view(features)))

    def decode(
        self, encoded: ctranslate2.StorageView, *, windows: int, bound: int, beam: int
    ) -> list[Decoded]:
        """The likeliest sequence for each encoded window: a timestamp, and up to `bound` tokens.

        Raises EngineError.
        """

        def generate(part: ctranslate2.StorageView) -> list[Any]:
            results: list[Any] = self._model.generate(
                part,
                [self._prompt] * part.shape[0],
                beam_size=beam,
                max_length=2 * (1 + bound),  # CTranslate2 generates up to half; the first is a timestamp
                return_scores=True,
                return_no_speech_prob=True,
            )
            return results

        try:
            parts = self._parts(encoded, min(windows, self._abreast))
            results = [result for part in self._threads.map(generate, parts) for result in part]
        except RuntimeError as error:
            raise EngineError(f"Whisper cannot decode {windows} windows: {error}") from error
        return [
            Decoded(result.sequences_ids[0], result.scores[0], result.no_speech_prob) for result in results
        ]

    def align(self, encoded: ctranslate2.StorageView, texts: list[list[int]], frames: list[int]) -> list[Any]:
        """CTranslate2's WhisperAlignmentResult of each text with the first `frames` of its window.

        On a processor one by one: together they take twice as long as alone. And of the silence that
        a window is padded with, a second is enough.
        """

        def align(window: NDArray[np.float32], text: list[int], length: int) -> Any:
            positions = (length + _SILENCE_FRAMES) // _FRAMES_PER_POSITION
            # Where there are as many as mel bands, CTranslate2 takes them for features, and encodes them.
            positions += 1 if positions == self.mels else 0
            kept = _view(window[np.newaxis, :positions])
            return self._model.align(kept, self._prompt, [text], [length])[0]

        try:
            if self._model.device != "cpu":
                return list(self._model.align(encoded, self._prompt, texts, frames))
            return list(self._threads.map(align, np.asarray(encoded), texts, frames))
        except RuntimeError as error:
            raise EngineError(f"Whisper cannot align {len(texts)} texts: {error}") from error

    def _parts(self, encoded: ctranslate2.StorageView, count: int) -> list[ctranslate2.StorageView]:
        """What was encoded, in so many parts of nearly the same number of windows."""
        if count == 1 or self._model.device != "cpu":
            return [encoded]
        return [_view(part) for part in np.array_split(np.asarray(encoded), count)]


def _matrix_encoder(weights: Path, device: Device) -> MatrixEncoder | None:
    """None where there are no matrix units, or the model is one that only CTranslate2 can read."""
    if not device.matrices:
        return None
    try:
        return MatrixEncoder.load(weights, threads=device.threads, abreast=device.abreast)
    except EngineError as error:
        structlog.get_logger().warning("matrix_units_not_used", error=str(error))
        return None


def _view(values: NDArray[Any]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(values))
