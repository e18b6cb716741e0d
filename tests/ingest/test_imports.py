"""What ingest may not import."""

import subprocess
import sys

FORBIDDEN = {
    "torch", "torchaudio", "transformers", "ctranslate2", "faster_whisper", "onnxruntime", "openvino",
    "webrtcvad", "pocketsphinx", "vaderSentiment", "sherpa_onnx", "vosk", "workers",
}  # fmt: skip


def test_ingest_imports_no_model_library() -> None:
    code = (
        "import sys, pkgutil, importlib, ingest\n"
        "for module in pkgutil.walk_packages(ingest.__path__, 'ingest.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"ingest", "uvicorn", "soxr"} <= loaded
    assert not loaded & FORBIDDEN
