"""The emitter's stage, from the settings, with its model loaded and warm."""

from collections.abc import Sequence

from common.audio import SAMPLE_RATE
from common.errors import SettingsError
from common.priorities import priorities
from common.settings import EmitterSettings, Settings
from common.stage import Stage
from workers.emitter.batching import Limits
from workers.emitter.effort import Effort, efforts, pinned
from workers.emitter.service import Rules
from workers.emitter.stage import EmitterStage, Policy
from workers.emitter.utterances import Utterances
from workers.engines.speech import SpeechEngine, decode_payload
from workers.engines.wav2vec2 import Precision, Wav2Vec2Engine
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

_WARM_UP_FRAMES = 100
_LEVELS = {"auto": range(4), "full": range(1), "busy": range(1, 2)}


def build(settings: Settings) -> Stage:
    """Load the model and run it once. Raises SettingsError, and EngineError for a bad model."""
    emitter = settings.emitter
    engine = _engine(emitter)
    levels = efforts(emitter.partial_ms, drafts=emitter.drafts)
    if emitter.quality != "auto":
        levels = tuple(map(pinned, levels))
    _warm_up(engine, emitter.mels, levels)
    policy = Policy(
        efforts=levels,
        rules=Rules(_LEVELS[emitter.quality], emitter.calm_ms, priorities(emitter.priorities)),
        limits=Limits(emitter.max_batch, emitter.batch_ms, emitter.final_ms),
        budget_ms=emitter.budget_ms,
        most_age_ms=settings.redis.deferred_max_age_s * 1000,
    )
    utterances = Utterances(engine.encoding, mels=emitter.mels, patience_ms=emitter.patience_s * 1000)
    return EmitterStage(engine, utterances, policy)


def _engine(settings: EmitterSettings) -> SpeechEngine:
    return _wav2vec2(settings) if settings.engine == "wav2vec2" else _whisper(settings)


def _whisper(settings: EmitterSettings) -> SpeechEngine:
    device = Device(settings.device, settings.compute_type, settings.threads)
    engine = WhisperEngine.load(find_weights(settings.model), device=device)
    if engine.mels != settings.mels:
        raise SettingsError(
            f"emitter.mels: {settings.mels}, but {settings.model} was trained on {engine.mels} mel bands"
        )
    return engine


def _wav2vec2(settings: EmitterSettings) -> SpeechEngine:
    if settings.model == BUNDLED:
        raise SettingsError(
            "emitter.model: wav2vec2 has no bundled weights; name a folder or a torchaudio bundle"
        )
    precision: Precision = "float16" if settings.device == "cuda" else "float32"
    return Wav2Vec2Engine.load(
        settings.model, device=settings.device, precision=precision, threads=settings.threads
    )


def _warm_up(engine: SpeechEngine, mels: int, levels: Sequence[Effort]) -> None:
    """The first pass allocates what later ones reuse."""
    silence = decode_payload(bytes(mels * _WARM_UP_FRAMES * 2), engine.encoding, mels)
    for manner in {finals.manner(SAMPLE_RATE) for effort in levels for finals in effort.finals}:
        engine.transcribe([silence], manner.decode, word_times=manner.word_times)
