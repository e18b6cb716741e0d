"""How well and how cheaply Hubbub tells speech from everything else.

    python -m benchmarks.vad --manifest ../shared/speech/vad/manifest.jsonl \
        --noise ../shared/speech/noise/manifest.jsonl --json vad.json

Quality counts 10 ms frames against the labels of each set. Two columns stand for Hubbub: the
decision itself, with pauses under 200 ms bridged (they are never treated as silence), and
everything that is sent to `speech`, pre-roll and tail included.

Cost is processor time of one core for a chunk of 100 ms: of webrtcvad alone, of a bare hop through
Redis, of the stage, and of a whole process of the pool on live tracks (see `benchmarks.vad_cost`);
and of Silero for a hop of 32 ms, by how many hops share a run.
"""

import argparse
import json
import platform
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.vad_cost import Case, figures, silero_us
from common.audio import SAMPLE_RATE, ms_to_samples
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, SpeechChunk
from common.settings import VadSettings
from common.stage import Append, Effect, Entry, EntryId, Stream
from workers.engines.silero import Silero, find_model
from workers.engines.silero_graph import HOP
from workers.engines.webrtc import FRAME, WebrtcVad
from workers.vad.pool import load_silero
from workers.vad.segmentation import Segmenter
from workers.vad.stage import VadStage

CELL = SAMPLE_RATE // 100
BRIDGED = 20
CHUNK = ms_to_samples(100)
Audio = NDArray[np.int16]
Cells = NDArray[np.bool_]


@dataclass(frozen=True)
class Clip:
    """A labelled recording."""

    set: str
    audio: Audio
    speech: Cells


@dataclass(frozen=True)
class Score:
    """Counts of 10 ms cells."""

    found: int = 0
    right: int = 0
    there: int = 0
    cells: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))

    def figures(self) -> dict[str, float]:
        """Precision, recall and F1; without any speech, the share that passed."""
        if not self.there:
            return {"passed": round(self.found / self.cells, 4)}
        precision, recall = self.right / max(1, self.found), self.right / self.there
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def clips(manifest: Path) -> Iterator[Clip]:
    for line in manifest.read_text().splitlines():
        item = json.loads(line)
        audio, rate = soundfile.read(manifest.parent / item["file"], dtype="int16")
        assert rate == SAMPLE_RATE
        assert audio.ndim == 1
        speech = np.zeros(len(audio) // CELL, bool)
        for start, end in item["segments"]:
            speech[round(start * 100) : round(end * 100)] = True
        yield Clip(item["set"], audio, speech)


def cells(spans: Sequence[tuple[int, int]], length: int) -> Cells:
    """The cells whose middle lies within a span of samples."""
    found = np.zeros(length // CELL, bool)
    for start, end in spans:
        found[max(0, start + CELL // 2 - 1) // CELL : (end + CELL // 2) // CELL] = True
    return found


def webrtc_alone(audio: Audio) -> Cells:
    passed = WebrtcVad(2).frames(audio.tobytes())
    return cells([(i * FRAME, (i + 1) * FRAME) for i, yes in enumerate(passed) if yes], len(audio))


def silero_alone(silero: Silero, audio: Audio) -> Cells:
    lane = silero.open_lane()
    hops = audio[: len(audio) // HOP * HOP].reshape(-1, 1, HOP)
    speech = [silero.probabilities(np.array([lane]), hop)[0] >= 0.5 for hop in hops]
    silero.close_lane(lane)
    return cells([(i * HOP, (i + 1) * HOP) for i, yes in enumerate(speech) if yes], len(audio))


def entries(audio: Audio, track: Track) -> list[Entry]:
    pieces = [(start, audio[start : start + CHUNK].tobytes()) for start in range(0, len(audio), CHUNK)]
    return [
        Entry(EntryId(0, Stream.AUDIO, str(start)), AudioChunk(track, start, start // 16 + 100, pcm))
        for start, pcm in pieces
    ]


def track(name: str) -> Track:
    return Track(Meeting("default", "benchmark"), name, Speaker(name, name))


def hear(stage: VadStage, audio: Audio) -> tuple[Cells, Cells]:
    """What Hubbub decides, and what it sends."""
    decided: list[tuple[int, int]] = []
    hear_decisions = Segmenter.hear

    def record(self: Segmenter, decisions: Sequence[bool]) -> None:
        unit, start = self._rules.unit, self.decided - self._rules.lag
        decided.extend((start + i * unit, start + (i + 1) * unit) for i, yes in enumerate(decisions) if yes)
        hear_decisions(self, decisions)

    effects: list[Effect] = []
    with patch.object(Segmenter, "hear", record):
        for i, entry in enumerate(entries(audio, track("a"))):
            effects += stage.process([entry], i * 100).effects
    effects += stage.process([], len(audio)).effects
    stage.release(0)
    sent = [e.message for e in effects if isinstance(e, Append) and isinstance(e.message, SpeechChunk)]
    return bridge(cells(decided, len(audio))), cells([(s.offset, s.end) for s in sent], len(audio))


def bridge(found: Cells) -> Cells:
    found = found.copy()
    for before, after in pairwise(np.flatnonzero(found)):
        if after - before <= BRIDGED:
            found[before:after] = True
    return found


def quality(manifests: list[Path], settings: VadSettings) -> dict[str, dict[str, dict[str, float]]]:
    model = find_model()
    plain = Silero(model, gain=1) if model else None
    stage = VadStage(settings, load_silero(settings))
    scores: dict[str, dict[str, Score]] = defaultdict(lambda: defaultdict(Score))
    for clip in (clip for manifest in manifests for clip in clips(manifest)):
        found = {"webrtcvad 2": webrtc_alone(clip.audio)}
        if plain:
            found["silero .5"] = silero_alone(plain, clip.audio)
        found["hubbub"], found["hubbub sent"] = hear(stage, clip.audio)
        for name, heard in found.items():
            scores[clip.set][name] += score(heard, clip.speech)
    return {s: {name: sc.figures() for name, sc in row.items()} for s, row in scores.items()}


def score(found: Cells, there: Cells) -> Score:
    return Score(int(found.sum()), int((found & there).sum()), int(there.sum()), len(there))


def cases(manifest: Path, settings: VadSettings) -> list[Case]:
    """Tracks that are silent, that speak, and half of each, with webrtcvad alone and with Silero."""
    noise = np.random.default_rng(1).normal(0, 30, 30 * SAMPLE_RATE)
    silent = [noise.astype(np.int16)]
    talk = [clip.audio for clip in clips(manifest) if clip.speech.mean() > 0.5][:6]
    half = silent * len(talk) + talk
    alone = settings.model_copy(update={"silero": "off"})
    return [
        Case("silence, webrtcvad alone", silent, alone, 1500),
        Case("half speech, webrtcvad alone", half, alone, 1500),
        Case("silence", silent, settings, 1500),
        Case("half speech", half, settings, 500),
        Case("speech", talk, settings, 300),
    ]


def machine() -> dict[str, str]:
    packages = ("webrtcvad-wheels", "onnxruntime", "faster-whisper", "numpy", "redis")
    return {"machine": f"{platform.machine()}, Python {platform.python_version()}"} | {
        name: version(name) for name in packages
    }


def show(report: dict[str, Any]) -> None:
    print(*(f"{name} {value}" for name, value in report["machine"].items()), sep="; ")
    print(*(f"{name}={value}" for name, value in report["settings"].items()))
    for title in ("quality", "hops", "cost"):
        print()
        for name, row in report.get(title, {}).items():
            print(f"{name:28}", "  ".join(f"{key}: {_cell(value)}" for key, value in row.items()))


def _cell(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return f"{value['passed']:.2%}" if "passed" in value else "/".join(f"{v:.3f}" for v in value.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, help="labelled speech")
    parser.add_argument("--noise", type=Path, help="recordings without speech")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--only", choices=("quality", "cost"), help="measure one of the two")
    given = parser.parse_args()
    settings = VadSettings()
    report: dict[str, Any] = {"machine": machine(), "settings": settings.model_dump()}
    if given.only != "cost":
        report["quality"] = quality([given.manifest] + [given.noise] * bool(given.noise), settings)
    if given.only != "quality":
        report["hops"] = silero_us()
        report["cost"] = {case.name: figures(case) for case in cases(given.manifest, settings)}
    show(report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
