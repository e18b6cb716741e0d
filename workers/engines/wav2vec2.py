"""wav2vec2 with a CTC head on torch, many windows at once.

Source: A. Baevski et al., "wav2vec 2.0" (2020). Needs `hubbub[torch]`, which is imported when an
engine is loaded.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, Self

from numpy.typing import NDArray

from common.audio import SAMPLE_RATE
from common.errors import EngineError
from common.messages import Payload
from workers.engines.ctc import Labels, best_path
from workers.engines.speech import DecodeSettings, Hypothesis

Precision = Literal["float32", "float16"]
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


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the network computes, and in which floating point: `float32`, or `float16` on a GPU."""

    device: str = "cpu"
    precision: Precision = "float32"

    @property
    def dtype(self) -> Any:
        """The type in torch's terms."""
        return getattr(_torch(), self.precision)

    def put(self, model: Any) -> Any:
        """The network, there, ready to compute."""
        return model.to(self.device, self.dtype).eval()


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows on the device: int16 of shape (windows, samples), and how many samples of each count."""

    waveforms: Any
    lengths: Any


@dataclass(frozen=True, slots=True)
class Emissions:
    """On the device: the likeliest label of each frame, its log probability, and how many frames count.

    Shapes (windows, frames) twice, and (windows,).
    """

    labels: Any
    scores: Any
    frames: Any


class Wav2Vec2Engine:
    """A SpeechEngine on raw samples. For one caller at a time.

    Its work has three steps, which may be timed apart: `copy`, `compute` and `decode`. Only 16-bit
    samples go to the device, and only the best label of each frame comes back.

    Windows are padded to whole seconds and share a batch with windows of the same padded length
    only: the group norm of the base models takes its mean over the padding too, and the company
    of a window must not change its text. Context and beam mean nothing to it.
    """

    encoding: Payload = "pcm_s16le"

    def __init__(self, model: Any, architecture: Architecture, placement: Placement) -> None:
        self._model = placement.put(model)
        self._labels = Labels(architecture.labels)
        self._placement = placement
        self._normalize_waveform = architecture.normalize_waveform

    @classmethod
    def load(
        cls, weights: str, *, device: str = "cpu", precision: Precision = "float32", threads: int = 1
    ) -> Self:
        """Load a folder with `config.json` and `weights.pt` (a state dict), or a torchaudio bundle by name.

        A bundle ("WAV2VEC2_ASR_BASE_960H") is downloaded unless torch's cache has it. Raises EngineError.
        """
        _torch().set_num_threads(threads)
        try:
            model, architecture = _from_folder(Path(weights)) if Path(weights).is_dir() else _bundle(weights)
            return cls(model, architecture, Placement(device, precision))
        except _LOADING_ERRORS as error:
            reason, *_ = str(error).split("\n")
            raise EngineError(f"cannot load wav2vec2 from {weights}: {reason}") from error

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """One hypothesis per window of int16 samples, in order. Word times cost nothing here.

        Raises EngineError where the model fails.
        """
        groups: dict[int, list[int]] = defaultdict(list)
        for i, window in enumerate(windows):
            groups[-(-max(len(window), 1) // SAMPLE_RATE) * SAMPLE_RATE].append(i)
        found: dict[int, Hypothesis] = {}
        for padded, group in groups.items():
            emissions = self.compute(self.copy([windows[i] for i in group], padded))
            found.update(zip(group, self.decode(emissions, word_times=word_times), strict=True))
        return [found[i] for i in range(len(windows))]

    def copy(self, windows: Sequence[NDArray[Any]], padded: int) -> Batch:
        """Bring windows of up to `padded` samples to the device."""
        torch = _torch()
        on_cpu = self._placement.device == "cpu"
        waveforms = torch.zeros((len(windows), padded), dtype=torch.int16, pin_memory=not on_cpu)
        for row, window in zip(waveforms.numpy(), windows, strict=True):
            row[: len(window)] = window
        lengths = torch.tensor([max(len(window), _SAMPLES_AT_LEAST) for window in windows])
        device = self._placement.device
        return Batch(waveforms.to(device, non_blocking=True), lengths.to(device))

    def compute(self, batch: Batch) -> Emissions:
        """The network. Raises EngineError."""
        torch = _torch()
        try:
            with torch.inference_mode():
                logits, frames = self._model(self._scaled(batch), batch.lengths)
                scores, labels = torch.log_softmax(logits.float(), dim=-1).max(dim=-1)
                return Emissions(labels.to(torch.int16), scores, frames)
        except RuntimeError as error:
            raise EngineError(f"wav2vec2 failed on {len(batch.lengths)} windows: {error}") from error

    def decode(self, emissions: Emissions, *, word_times: bool) -> list[Hypothesis]:
        """Bring back what was heard in each window, and spell it."""
        labels, scores, frames = (
            tensor.cpu().numpy() for tensor in (emissions.labels, emissions.scores, emissions.frames)
        )
        s_per_frame = _SAMPLES_PER_FRAME / SAMPLE_RATE
        found = [
            best_path(label[:count], score[:count], self._labels, s_per_frame)
            for label, score, count in zip(labels, scores, frames, strict=True)
        ]
        return found if word_times else [replace(one, words=()) for one in found]

    def _scaled(self, batch: Batch) -> Any:
        """Samples from -1 to 1, or of zero mean and unit variance over each window."""
        torch = _torch()
        waveforms = batch.waveforms.float() / 32768
        if self._normalize_waveform:
            counts = batch.lengths[:, None]
            inside = torch.arange(waveforms.shape[1], device=waveforms.device) < counts
            mean = waveforms.sum(dim=1, keepdim=True) / counts
            centred = (waveforms - mean) * inside
            waveforms = centred / torch.sqrt((centred**2).sum(dim=1, keepdim=True) / counts + 1e-5)
        return waveforms.to(self._placement.dtype)


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
