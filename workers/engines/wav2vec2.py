"""wav2vec2 with a CTC head on torch, many windows at once.

Source: A. Baevski et al., "wav2vec 2.0" (2020). Needs `hubbub[torch]`, which is imported when an
engine is loaded.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE
from common.errors import EngineError
from common.messages import Payload
from workers.engines.ctc import Labels, best_path
from workers.engines.speech import DecodeSettings, Hypothesis

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.pt"
_SAMPLES_PER_FRAME = 320
_SAMPLES_AT_LEAST = 400  # the receptive field of the first frame

_LOADING_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    UnpicklingError,
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """What `config.json` beside the weights says.

    `model` holds the arguments of torchaudio's `wav2vec2_model`; `labels` are the symbols of its
    outputs; `normalize_waveform` scales each window to zero mean and unit variance first, as
    models with layer norm in the feature extractor expect.
    """

    model: dict[str, Any]
    labels: tuple[str, ...]
    normalize_waveform: bool = False


class Wav2Vec2Engine:
    """A SpeechEngine on raw samples. For one caller at a time.

    Windows are padded to whole seconds and share a batch with windows of the same padded length
    only: the group norm of the base models takes its mean over the padding too, and the company
    of a window must not change its text. Context and beam mean nothing to it.
    """

    encoding: Payload = "pcm_s16le"

    def __init__(self, model: Any, labels: Labels, *, device: str, normalize_waveform: bool) -> None:
        self._model = model
        self._labels = labels
        self._device = device
        self._normalize_waveform = normalize_waveform

    @classmethod
    def load(cls, weights: str, *, device: str = "cpu", threads: int = 1) -> Self:
        """Load a folder with `config.json` and `weights.pt` (a state dict), or a torchaudio bundle by name.

        A bundle ("WAV2VEC2_ASR_BASE_960H") is downloaded unless torch's cache has it. Raises EngineError.
        """
        torch = _torch()
        torch.set_num_threads(threads)
        try:
            model, architecture = _from_folder(Path(weights)) if Path(weights).is_dir() else _bundle(weights)
            model = model.to(device).eval()
        except _LOADING_ERRORS as error:
            reason, *_ = str(error).split("\n")
            raise EngineError(f"cannot load wav2vec2 from {weights}: {reason}") from error
        labels = Labels(architecture.labels)
        return cls(model, labels, device=device, normalize_waveform=architecture.normalize_waveform)

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """One hypothesis per window of int16 samples, in order. Word times cost nothing here.

        Raises EngineError where the model fails.
        """
        groups: dict[int, list[int]] = defaultdict(list)
        for i, window in enumerate(windows):
            groups[-(-max(len(window), 1) // SAMPLE_RATE) * SAMPLE_RATE].append(i)
        emissions: dict[int, NDArray[np.float32]] = {}
        for padded, group in groups.items():
            emissions.update(zip(group, self._emit([windows[i] for i in group], padded), strict=True))
        return [self._hypothesis(emissions[i], word_times=word_times) for i in range(len(windows))]

    def _hypothesis(self, emissions: NDArray[np.float32], *, word_times: bool) -> Hypothesis:
        found = best_path(emissions, self._labels, _SAMPLES_PER_FRAME / SAMPLE_RATE)
        return found if word_times else Hypothesis(found.text, (), found.log_probability, found.no_speech)

    def _emit(self, windows: list[NDArray[Any]], padded: int) -> list[NDArray[np.float32]]:
        """Log probabilities of shape (frames, labels) for each window, without those of the padding."""
        torch = _torch()
        waveforms = np.zeros((len(windows), padded), np.float32)
        for row, window in zip(waveforms, windows, strict=True):
            row[: len(window)] = self._scaled(window)
        lengths = [max(len(window), _SAMPLES_AT_LEAST) for window in windows]
        try:
            with torch.inference_mode():
                logits, frames = self._model(
                    torch.from_numpy(waveforms).to(self._device), torch.tensor(lengths, device=self._device)
                )
                log_probs = torch.log_softmax(logits, dim=-1).float().cpu().numpy()
        except RuntimeError as error:
            raise EngineError(f"wav2vec2 failed on {len(windows)} windows: {error}") from error
        return [row[:count] for row, count in zip(log_probs, frames.tolist(), strict=True)]

    def _scaled(self, window: NDArray[Any]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = window.astype(np.float32) / 32768.0
        if self._normalize_waveform and len(window):
            scaled = (scaled - scaled.mean()) / np.sqrt(scaled.var() + np.float32(1e-5))
        return scaled


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise EngineError("wav2vec2 needs torch: install hubbub[torch]") from error
    return torch


def _from_folder(folder: Path) -> tuple[Any, Architecture]:
    from torchaudio.models import wav2vec2_model  # noqa: PLC0415 (an extra)

    architecture = Architecture(**json.loads((folder / CONFIG_FILE).read_text()))
    model = wav2vec2_model(**architecture.model)
    model.load_state_dict(_torch().load(folder / WEIGHTS_FILE, map_location="cpu", weights_only=True))
    return model, architecture


def _bundle(name: str) -> tuple[Any, Architecture]:
    from torchaudio import models, pipelines  # noqa: PLC0415 (an extra)

    bundle = getattr(pipelines, name)
    model = bundle.get_model()
    if isinstance(model, models.Wav2Vec2Model):
        return model, Architecture({}, bundle.get_labels())
    # The wrapper scales the whole batch at once, so that a window's text would depend on its company.
    return model.model, Architecture({}, bundle.get_labels(), normalize_waveform=True)
