"""What the asr front-end costs: processor time per window of 100 ms, for some utterances at once.

    python -m benchmarks.frontend --json frontend.json

`features` is the engine's front-end alone, `stage` the whole of the asr stage with it, `messages`
the decoding of its input and the encoding of its output. Each is the least of several rounds.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.audio import ms_to_samples
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk, pack, unpack
from common.settings import load_settings
from common.stage import Append, Effect, Entry, EntryId, Stream
from workers.asr.pool import build
from workers.engines.log_mel import LogMel

CHUNK = ms_to_samples(100)
TICKS = 100
ROUNDS = 3
Row = dict[str, float]


def speech() -> NDArray[np.int16]:
    return np.random.default_rng(1).normal(0, 3000, TICKS * CHUNK).astype(np.int16)


def spoken(utterances: int) -> list[list[Entry]]:
    """For every 100 ms, a chunk of each utterance."""
    audio = speech()
    ticks = []
    for tick in range(TICKS):
        pcm = audio[tick * CHUNK : (tick + 1) * CHUNK].tobytes()
        ticks.append([_entry(number, tick, pcm) for number in range(utterances)])
    return ticks


def _entry(number: int, tick: int, pcm: bytes) -> Entry:
    track = Track(Meeting("default", f"benchmark-{number}"), "a", Speaker("a", "A"))
    start, offset = number * 777, number * 777 + tick * CHUNK
    heard = offset + CHUNK - 640
    chunk = SpeechChunk(track, track.utterance_id(start), start, offset, heard, 1000 + tick * 100, pcm)
    if tick == TICKS - 1:
        chunk = replace(chunk, closed="endpoint")
    return Entry(EntryId(0, Stream.SPEECH, f"{tick}-{number}"), chunk)


def microseconds(work: Callable[[], object], windows: int) -> float:
    """Per window, in the best of some rounds."""
    least = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        least = min(least, time.process_time() - before)
    return round(least * 1e6 / windows, 1)


def run_stage(ticks: list[list[Entry]]) -> list[Effect]:
    stage = build(load_settings())
    return [effect for i, tick in enumerate(ticks) for effect in stage.process(tick, i * 100).effects]


def run_features(utterances: int) -> None:
    audio, framers = speech(), [LogMel() for _ in range(utterances)]
    for at in range(0, len(audio), CHUNK):
        for framer in framers:
            framer.push(audio[at : at + CHUNK])


def row(utterances: int) -> Row:
    ticks = spoken(utterances)
    packed = [pack(entry.message) for tick in ticks for entry in tick]  # type: ignore[arg-type]  # speech only
    windows = [effect.message for effect in run_stage(ticks) if isinstance(effect, Append)]

    def messages() -> None:
        for chunk in packed:
            unpack(chunk)
        for window in windows:
            pack(window)  # type: ignore[arg-type]  # no results among them

    count = TICKS * utterances
    return {
        "utterances": utterances,
        "features_us": microseconds(lambda: run_features(utterances), count),
        "stage_us": microseconds(lambda: run_stage(ticks), count),
        "messages_us": microseconds(messages, count),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    given = parser.parse_args()
    settings = load_settings()
    report = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, numpy {version('numpy')}",
        "settings": {"engine": settings.emitter.engine, **settings.asr.model_dump()},
        "rows": [row(utterances) for utterances in given.utterances],
    }
    print(report["machine"], report["settings"])
    for figures in report["rows"]:
        print("  ".join(f"{name} {value:>7}" for name, value in figures.items()))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
