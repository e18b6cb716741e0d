"""The emitter's stage, from the settings, with its model loaded and warm."""

import time
from collections.abc import Callable, Mapping, Sequence

from common.audio import SAMPLE_RATE
from common.errors import SettingsError
from common.priorities import priorities
from common.settings import EmitterSettings, Settings
from common.stage import Stage
from workers.emitter.batching import Limits
from workers.emitter.effort import Effort, efforts, pinned
from workers.emitter.manner import Model
from workers.emitter.service import Rules
from workers.emitter.stage import EmitterStage, Policy
from workers.emitter.utterances import Utterances
from workers.engines.speech import SpeechEngine, decode_payload
from workers.engines.wav2vec2 import Precision, Wav2Vec2Engine
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

_WARM_UP_FRAMES = 100
_ALLOWED = {"auto": range(4), "full": range(1), "busy": range(1, 2)}


def build(settings: Settings) -> Stage:
    """Load the model and run it once. Raises SettingsError, and EngineError for a bad model."""
    engines = _engines(settings.emitter)
    _warm_up(engines, settings.emitter.mels, _levels(settings.emitter, engines))
    return assemble(settings, engines)


def assemble(
    settings: Settings,
    engines: Mapping[Model, SpeechEngine],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Stage:
    """The stage around its models. What passes cost is learned by `clock`, in seconds."""
    emitter = settings.emitter
    policy = Policy(
        efforts=_levels(emitter, engines),
        rules=Rules(_ALLOWED[emitter.quality], emitter.calm_ms, priorities(emitter.priorities)),
        limits=Limits(emitter.max_batch, emitter.batch_ms),
        budget_ms=emitter.budget_ms,
        most_age_ms=settings.redis.deferred_max_age_s * 1000,
    )
    encoding = engines[Model.MAIN].encoding
    utterances = Utterances(encoding, mels=emitter.mels, patience_ms=emitter.patience_s * 1000)
    return EmitterStage(engines, utterances, policy, clock=clock)


def _levels(settings: EmitterSettings, engines: Mapping[Model, SpeechEngine]) -> Sequence[Effort]:
    last = Model.SMALL if Model.SMALL in engines else Model.MAIN
    levels = efforts(settings.partial_ms, final_ms=settings.final_ms, drafts=settings.drafts, last=last)
    return levels if settings.quality == "auto" else tuple(map(pinned, levels))


def _engines(settings: EmitterSettings) -> dict[Model, SpeechEngine]:
    load = _wav2vec2 if settings.engine == "wav2vec2" else _whisper
    engines = {Model.MAIN: load(settings, settings.model)}
    if settings.small_model is not None:
        engines[Model.SMALL] = load(settings, settings.small_model)
    return engines


def _whisper(settings: EmitterSettings, model: str) -> SpeechEngine:
    device = Device(settings.device, settings.compute_type, settings.threads, settings.abreast)
    engine = WhisperEngine.load(find_weights(model), device=device)
    if engine.mels != settings.mels:
        raise SettingsError(
            f"emitter.mels: {settings.mels}, but {model} was trained on {engine.mels} mel bands"
        )
    return engine


def _wav2vec2(settings: EmitterSettings, model: str) -> SpeechEngine:
    if model == BUNDLED:
        raise SettingsError(
            "emitter.engine: wav2vec2 has no bundled weights; name a folder or a torchaudio bundle"
        )
    precision: Precision = "float16" if settings.device == "cuda" else "float32"
    return Wav2Vec2Engine.load(model, device=settings.device, precision=precision, threads=settings.threads)


def _warm_up(engines: Mapping[Model, SpeechEngine], mels: int, levels: Sequence[Effort]) -> None:
    """The first pass allocates what later ones reuse."""
    silence = decode_payload(bytes(mels * _WARM_UP_FRAMES * 2), engines[Model.MAIN].encoding, mels)
    for manner in {finals.manner(SAMPLE_RATE) for effort in levels for finals in effort.finals}:
        engines[manner.model].transcribe([silence], manner.decode, word_times=manner.word_times)
