"""The asr pool's stage, from the settings."""

from common.audio import ms_to_samples
from common.settings import Settings
from common.stage import Stage
from workers.asr.frontend import Frontend, log_mel, raw_samples
from workers.asr.schedule import Schedule
from workers.asr.stage import AsrStage


def build(settings: Settings) -> Stage:
    """A stage whose features suit the emitter's engine."""
    asr = settings.asr
    schedule = Schedule(step=ms_to_samples(asr.window_ms), least=ms_to_samples(asr.first_partial_ms))
    return AsrStage(_frontend(settings), schedule, patience_ms=asr.patience_s * 1000)


def _frontend(settings: Settings) -> Frontend:
    if settings.emitter.engine == "whisper":
        return log_mel(settings.emitter.mels)
    return raw_samples()
