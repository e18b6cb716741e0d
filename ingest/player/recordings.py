"""Files to play: audio at any rate, folders of it, and manifests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import soundfile
import soxr
from numpy.typing import NDArray

from common.errors import InvalidInput

Pcm = NDArray[np.int16]

_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".au"}
_MANIFEST = ".jsonl"


@dataclass(frozen=True, slots=True)
class Clip:
    """A file, by the name it was given, with what is said in it and by whom where that is known."""

    name: str
    path: Path
    text: str = ""
    speaker: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A clip's audio: `pcm` has shape (samples,), mono."""

    clip: Clip
    pcm: Pcm
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / self.rate

    def at(self, rate: int) -> "Recording":
        """The same at another rate."""
        if rate == self.rate:
            return self
        return Recording(self.clip, soxr.resample(self.pcm, self.rate, rate), rate)


def find_clips(paths: Iterable[Path]) -> list[Clip]:
    """All clips that files, folders and manifests name, in order. Raises InvalidInput."""
    clips = [clip for path in paths for clip in _clips_of(path)]
    if not clips:
        raise InvalidInput("no audio to play")
    return clips


def check_readable(clip: Clip) -> None:
    """Raises InvalidInput for what is no audio."""
    try:
        soundfile.info(clip.path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InvalidInput(f"{clip.name}: {error}") from error


def load(clip: Clip) -> Recording:
    """Decode a clip; channels are mixed. Raises InvalidInput."""
    try:
        pcm, rate = soundfile.read(clip.path, dtype="int16", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InvalidInput(f"{clip.name}: {error}") from error
    mono = pcm[:, 0] if pcm.shape[1] == 1 else np.rint(pcm.mean(axis=1)).astype(np.int16)
    return Recording(clip, np.ascontiguousarray(mono), rate)


def _clips_of(path: Path) -> Iterator[Clip]:
    if path.is_dir():
        audio = (found for found in sorted(path.rglob("*")) if found.suffix.lower() in _SUFFIXES)
        yield from (Clip(str(found), found) for found in audio)
    elif not path.is_file():
        raise InvalidInput(f"{path}: no such file")
    elif path.suffix == _MANIFEST:
        lines = path.read_bytes().splitlines()
        yield from (_listed(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    else:
        yield Clip(str(path), path)


def _listed(manifest: Path, number: int, line: bytes) -> Clip:
    try:
        fields = orjson.loads(line)
        name = fields["file"]
        return Clip(name, manifest.parent / name, fields.get("text", ""), fields.get("speaker", ""))
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(f'{manifest}, line {number}: want {{"file": …, "text": …}}') from error
