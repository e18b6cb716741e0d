"""How a process of the vad pool comes by its stage."""

from common.errors import EngineError
from common.settings import Settings, VadSettings
from common.stage import Stage
from workers.engines.silero import Silero, find_model
from workers.vad.stage import VadStage

_GAIN = 1.5
"""Silero hears everything 3.5 dB louder: quiet voices need it, loud ones don't mind (measured)."""


def build(settings: Settings) -> Stage:
    """The stage, models loaded and warm. Raises EngineError."""
    return VadStage(settings.vad, load_silero(settings.vad))


def load_silero(settings: VadSettings) -> Silero | None:
    """Silero as configured; None where webrtcvad is to decide alone. Raises EngineError."""
    model = find_model() if settings.silero != "off" else None
    if model is None:
        if settings.silero == "on":
            raise EngineError(
                "vad.silero is on, but onnxruntime or faster-whisper is missing: install hubbub[local]"
            )
        return None
    silero = Silero(model, gain=_GAIN)
    silero.warm_up()
    return silero
