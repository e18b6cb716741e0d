"""The keyword pool's stage with more and more meetings at once: what it costs, and how late events are.

    python -m benchmarks.keyword_load --meetings 1 4 16 64

Every meeting is somebody who says the turns of the bundled demonstration one after the other, 300 ms
apart, beginning with another one; in chunks of 100 ms. The stage is called with what has arrived, and
time goes on by as long as each call takes: real time, without waiting for it. An event's lag runs
from the end of its phrase, as spotted, to the end of the call that tells it. Transcripts there are
none, so what is not listened to is missed; `heard` is the share of speech that was listened to.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from common.audio import SAMPLE_RATE, samples_to_ms
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk
from common.results import Keyword, Status
from common.settings import KeywordSettings, Settings
from common.stage import Append, Entry, EntryId, Stage, Stream
from workers.keyword.pool import build

CHUNK = SAMPLE_RATE // 10
GAP = 3 * SAMPLE_RATE // 10
BEGAN_MS = 1_700_000_000_000
SPEAKER = Speaker("s", "S")
Samples = NDArray[np.int16]


@dataclass
class Row:
    """What one number of meetings came to; lags in ms. `cpu` is in processors."""

    meetings: int
    cpu: float
    heard: float
    events: int
    lag_p50: float
    lag_p95: float
    longest_call_ms: float
    reduced: int


@dataclass
class Run:
    """What came of playing the meetings."""

    lags_ms: list[float] = field(default_factory=list)
    calls_ms: list[float] = field(default_factory=list)
    reduced: set[str] = field(default_factory=set)


def turns() -> list[Samples]:
    """What is said in the demonstration, one speaker at a time."""
    folder = files("ingest.demo")
    script = json.loads(folder.joinpath("meeting.json").read_text("utf-8"))
    with as_file(folder.joinpath("meeting.ogg")) as path:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    whole = soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE)
    spans = [(turn["start_ms"] * 16, turn["end_ms"] * 16) for turn in script["turns"]]
    return [(whole[start:end] * 32767).astype(np.int16) for start, end in spans]


def speech(number: int, said: Sequence[Samples], seconds: float) -> list[SpeechChunk]:
    """A meeting's speech; meetings begin a little apart."""
    track = Track(Meeting("default", f"meeting-{number}"), "t", SPEAKER)
    start, turn = 37 * number * SAMPLE_RATE // 1000, number
    chunks: list[SpeechChunk] = []
    while start < seconds * SAMPLE_RATE:
        samples = said[turn % len(said)]
        chunks += utterance(track, start, samples)
        start, turn = start + len(samples) + GAP, turn + 1
    return chunks


def utterance(track: Track, start: int, samples: Samples) -> list[SpeechChunk]:
    chunks = []
    for at in range(0, len(samples), CHUNK):
        piece = samples[at : at + CHUNK]
        end = start + at + len(piece)
        captured_ms = BEGAN_MS + samples_to_ms(end)
        name, last = track.utterance_id(start), at + CHUNK >= len(samples)
        pcm = piece.tobytes()
        chunk = SpeechChunk(track, name, start, start + at, end, captured_ms, pcm, "endpoint" if last else "")
        chunks.append(chunk)
    return chunks


def play(stage: Stage, chunks: Sequence[SpeechChunk]) -> Run:
    """Give the stage what has arrived, again and again."""
    run, now_ms, given, busy = Run(), float(BEGAN_MS), 0, False
    while given < len(chunks) or busy:
        if not busy and chunks[given].captured_ms > now_ms:
            now_ms = chunks[given].captured_ms
        entries = []
        while given < len(chunks) and chunks[given].captured_ms <= now_ms:
            entries.append(Entry(EntryId(0, Stream.SPEECH, f"{given}-0"), chunks[given]))
            given += 1
        begun = time.perf_counter()
        step = stage.process(entries, int(now_ms))
        run.calls_ms.append((time.perf_counter() - begun) * 1000)
        now_ms, busy = now_ms + run.calls_ms[-1], step.busy
        note(run, [effect for effect in step.effects if isinstance(effect, Append)], now_ms)
    return run


def note(run: Run, appends: Sequence[Append], now_ms: float) -> None:
    for append in appends:
        if isinstance(append.message, Keyword):
            run.lags_ms.append(now_ms - append.captured_ms)
        elif isinstance(append.message, Status):
            run.reduced.add(append.message.meeting)


def measure(settings: Settings, said: Sequence[Samples], meetings: int, seconds: float) -> Row:
    stage = build(settings)
    chunks = [chunk for number in range(meetings) for chunk in speech(number, said, seconds)]
    chunks.sort(key=lambda chunk: chunk.captured_ms)
    heard_before, begun = listened_s(), time.process_time()
    run = play(stage, chunks)
    cpu_s = time.process_time() - begun
    audio_s = sum(len(chunk.pcm) for chunk in chunks) / 2 / SAMPLE_RATE
    heard_s = listened_s() - heard_before
    p50, p95 = np.percentile(run.lags_ms, [50, 95]) if run.lags_ms else (float("nan"),) * 2
    length_s = (chunks[-1].captured_ms - BEGAN_MS) / 1000
    cpu, heard = cpu_s / length_s, heard_s / audio_s
    return Row(
        meetings, cpu, heard, len(run.lags_ms), float(p50), float(p95), max(run.calls_ms), len(run.reduced)
    )


def listened_s() -> float:
    return REGISTRY.get_sample_value("hubbub_keyword_heard_seconds_total") or 0.0


def show(row: Row) -> None:
    print(
        f"{row.meetings:>8} {row.cpu:>6.3f} {row.heard:>7.1%} {row.events:>7} {row.lag_p50:>8.0f}"
        f" {row.lag_p95:>8.0f} {row.longest_call_ms:>13.0f} {row.reduced:>8}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--meetings", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--quality", choices=["auto", "full"], default="auto")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    settings = Settings(keyword=KeywordSettings(quality=args.quality))
    parts = {name: version(name) for name in ("pocketsphinx", "ctranslate2", "numpy")}
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), **parts}
    print(json.dumps({**machine, **settings.keyword.model_dump(mode="json")}))
    print("meetings    cpu   heard  events  lag p50  lag p95  longest call  reduced")
    rows, said = [], turns()
    for meetings in args.meetings:
        rows.append(measure(settings, said, meetings, args.seconds))
        show(rows[-1])
    if args.json:
        figures = {"machine": machine, "rows": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
