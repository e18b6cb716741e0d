"""What `hubbub doctor` asks of the models and the devices they run on."""

from collections.abc import Iterable
from importlib.util import find_spec

from common.checks import Check
from common.errors import EngineError
from common.settings import Settings
from workers.engines.silero import find_model
from workers.engines.whisper_encoder import matrix_library, matrix_units
from workers.engines.whisper_weights import find_weights


def check(settings: Settings) -> Iterable[Check]:
    """Weights, the second VAD, the keyword spotter, the processor's matrix units, an accelerator."""
    yield _weights(settings.emitter.model)
    silero = find_model()
    yield Check("silero", silero is not None, str(silero or "missing"), "pip install 'hubbub[local]'")
    spotter = find_spec("pocketsphinx") is not None
    yield Check("spotter", spotter, "pocketsphinx" if spotter else "missing", "pip install 'hubbub[local]'")
    yield _encoder()
    yield _accelerator(settings.emitter.device)


def _weights(model: str) -> Check:
    try:
        return Check("whisper", good=True, found=str(find_weights(model)))
    except EngineError as error:
        return Check("whisper", good=False, found=str(error), advice="see emitter.model in docs/operators.md")


def _encoder() -> Check:
    """What may compute Whisper's encoder on a processor."""
    if not matrix_units():
        return Check("encoder", good=True, found="int8: this processor has no matrix units")
    library = matrix_library()
    found = "bfloat16 on matrix units" if library else "int8 beside idle matrix units: openvino is missing"
    return Check("encoder", library, found, "pip install 'hubbub[local]'")


def _accelerator(device: str) -> Check:
    import ctranslate2  # noqa: PLC0415  # loads for a second, and only for this

    count = ctranslate2.get_cuda_device_count()
    found = f"{count} CUDA device{'' if count == 1 else 's'}, emitter.device={device}"
    return Check("accelerator", device == "cpu" or count > 0, found, "set HUBBUB_EMITTER__DEVICE=cpu")
