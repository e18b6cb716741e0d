"""The engines that `benchmarks.gpu` drives, and the steps that their time goes to."""

import importlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers_clients import Samples
from common.audio import SAMPLE_RATE
from workers.engines.log_mel import FRAMES_PER_S, LogMel
from workers.engines.speech import DecodeSettings, SpeechEngine
from workers.engines.wav2vec2 import Architecture, Placement, Precision, Wav2Vec2Engine

LETTERS = ("-", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")
TINY: dict[str, Any] = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [(32, 10, 5), *[(32, 3, 2)] * 4, *[(32, 2, 2)] * 2],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 32,
    "encoder_projection_dropout": 0.0,
    "encoder_pos_conv_kernel": 8,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 4,
    "encoder_attention_dropout": 0.0,
    "encoder_ff_interm_features": 64,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.0,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.0,
}
PARTIAL = DecodeSettings(context_s=6, beam=1, second_try=False)
TOKENS_A_SECOND = 7


@dataclass(frozen=True)
class Machine:
    """Where to compute, and how; `int8` is for Whisper alone."""

    device: str
    precision: Precision | Literal["int8"]
    threads: int


class Subject(Protocol):
    """An engine under measurement."""

    @property
    def name(self) -> str:
        """What it is, with which weights."""

    @property
    def engine(self) -> SpeechEngine:
        """The whole of it."""

    def window(self, samples: Samples) -> NDArray[Any]:
        """What the engine takes for a stretch of audio."""

    def steps(self, windows: Sequence[NDArray[Any]]) -> dict[str, float]:
        """One pass, step by step, waiting for the device after each: ms by step."""


class Wav2Vec2:
    """wav2vec2; with random weights, whose time is that of the trained ones, if not their words."""

    def __init__(self, weights: str, machine: Machine) -> None:
        self.name = f"wav2vec2, {weights}" + (" (random weights)" if weights in {"base", "tiny"} else "")
        self._device = machine.device
        self.engine = self._load(weights, machine)

    def _load(self, weights: str, machine: Machine) -> Wav2Vec2Engine:
        precision = machine.precision
        if precision == "int8":
            raise SystemExit("wav2vec2 computes in float32 or float16")
        if weights not in {"base", "tiny"}:
            return Wav2Vec2Engine.load(
                weights, device=machine.device, precision=precision, threads=machine.threads
            )
        torch, models = importlib.import_module("torch"), importlib.import_module("torchaudio.models")
        torch.manual_seed(1)
        torch.set_num_threads(machine.threads)
        count = len(LETTERS)
        tiny = weights == "tiny"
        model = (
            models.wav2vec2_model(**TINY, aux_num_out=count)
            if tiny
            else models.wav2vec2_base(aux_num_out=count)
        )
        placement = Placement(machine.device, precision)
        return Wav2Vec2Engine(model, Architecture({}, LETTERS), placement)

    def window(self, samples: Samples) -> NDArray[Any]:
        """The samples themselves."""
        return samples

    def steps(self, windows: Sequence[NDArray[Any]]) -> dict[str, float]:
        """To the device; the network; and back, spelled."""
        clock = StepClock(self._device)
        padded = math.ceil(max(map(len, windows)) / SAMPLE_RATE) * SAMPLE_RATE
        batch = clock.step("copy", lambda: self.engine.copy(windows, padded))
        emissions = clock.step("compute", lambda: self.engine.compute(batch))
        clock.step("decode", lambda: self.engine.decode(emissions, word_times=False))
        return clock.ms


class Whisper:
    """Whisper on CTranslate2, as the emitter makes partials."""

    def __init__(self, weights: str, machine: Machine) -> None:
        whisper = importlib.import_module("workers.engines.whisper")
        model = importlib.import_module("workers.engines.whisper_model").WhisperModel
        found = importlib.import_module("workers.engines.whisper_weights").find_weights(weights)
        device = whisper.Device(machine.device, machine.precision, machine.threads)
        self.name = f"Whisper, {weights}"
        self._model = model.load(found, device=device, language="en")
        self.engine = whisper.WhisperEngine(self._model)

    def window(self, samples: Samples) -> NDArray[Any]:
        """Its features."""
        mel = LogMel()
        return np.concatenate([mel.push(samples), mel.flush()])

    def steps(self, windows: Sequence[NDArray[Any]]) -> dict[str, float]:
        """The encoder, copying included; and the decoder, token by token."""
        clock = StepClock("cpu")  # CTranslate2 returns when it is done
        longest_s = max(map(len, windows)) / FRAMES_PER_S
        frames = math.ceil(max(PARTIAL.context_s, longest_s + 2)) * FRAMES_PER_S
        bound = math.ceil(longest_s * TOKENS_A_SECOND) + 8
        encoded = clock.step("compute", lambda: self._model.encode(windows, frames))
        clock.step(
            "decode",
            lambda: self._model.decode(encoded, windows=len(windows), bound=bound, beam=PARTIAL.beam),
        )
        return clock.ms


class StepClock:
    """Times steps, each until the device is done with it."""

    def __init__(self, device: str) -> None:
        self.ms: dict[str, float] = {}
        self._wait: Callable[[], None] = lambda: None
        if device != "cpu":
            self._wait = importlib.import_module("torch").cuda.synchronize

    def step(self, name: str, action: Callable[[], Any]) -> Any:
        """What the action returns."""
        self._wait()
        began = time.perf_counter()
        result = action()
        self._wait()
        self.ms[name] = 1000 * (time.perf_counter() - began)
        return result
