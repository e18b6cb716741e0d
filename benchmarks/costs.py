"""What one meeting costs each pool and Redis, and what a batch of windows costs: for `benchmarks.capacity`.

    python -m benchmarks.costs --audio ../shared/speech/live/continuous.wav --json costs.json

Plays, in real time and to a fresh system each: nothing, silent meetings, one meeting of continuous
speech, and several; and times batches of the engine on windows of the same recording. The audio
comes with its words, `NAME.words.json`. What was measured is kept in the JSON file, so that a part
can be measured alone (`--parts batches`); once all parts are there, the costs are in it.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import redis
import soundfile
from numpy.typing import NDArray

from benchmarks.live import Spoken, by_pool, cpu_s, matched, read_words, said_until
from benchmarks.peers_clients import Samples
from common.audio import SAMPLE_RATE
from common.results import Result, Transcript
from common.settings import load_settings
from tests.system.kit import System, finals, play, running_system
from workers.engines.log_mel import LogMel
from workers.engines.speech import DecodeSettings
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

PARTS = ("rest", "silent", "one", "several", "batches")
REST_S = 20
SETTLE_S = 60
SIZES = (1, 2, 4, 8)
ROUNDS = 3
QUANTILES = np.linspace(0, 1, 41)
STEP_MS = 300
"""A first transcript that shows a word says nothing of when it could have been seen earlier than this."""


@dataclass(frozen=True)
class Work:
    """A typical window: how it is decoded, and how many seconds of audio it holds."""

    decode: DecodeSettings
    word_times: bool
    seconds: int


WORK = {
    "partial": Work(DecodeSettings(6, 1, second_try=False), word_times=False, seconds=3),
    "final": Work(DecodeSettings(12, 5), word_times=True, seconds=8),
    "quick": Work(DecodeSettings(10, 1), word_times=True, seconds=8),
}
"""What the emitter asks for: at full service, and, instead of `final`, below it."""
Listen = Callable[[System], list[Result]]


@dataclass(frozen=True)
class Taken:
    """What a system took while so many meetings were played: a second, or in the end."""

    meetings: int
    shards: int
    processors: dict[str, float]
    memory_mb: dict[str, float]
    redis: dict[str, float]


def nothing(_: System) -> list[Result]:
    return []


def first_meeting(system: System) -> list[Result]:
    return system.finished("costs-0", SETTLE_S)


def measure(
    play_all: Callable[[System], None], meetings: int, listen: Listen = nothing
) -> tuple[Taken, list[Result]]:
    """What a system takes while it is played to, and what `listen` hears of it afterwards."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder) / "log") as system:
        store = redis.Redis.from_url(system.redis)
        pools, counters, began = cpu_s(system), used(store), time.monotonic()
        play_all(system)
        took_s = time.monotonic() - began
        processors = {pool: (after - pools[pool]) / took_s for pool, after in cpu_s(system).items()}
        counted = {name: (after - counters[name]) / took_s for name, after in used(store).items()}
        memory = by_pool((report.pool, report.rss_bytes / 1e6) for report in system.reports())
        return Taken(meetings, load_settings().shards, processors, memory, counted), listen(system)


def used(store: redis.Redis) -> dict[str, float]:
    """Redis's own counters, in the units of a second's worth."""
    info: dict[str, Any] = store.info("everything")
    streams = store.scan_iter(match="hb:*:results", count=1000)
    return {
        "processors": info["used_cpu_user"] + info["used_cpu_sys"],
        "commands": info["total_commands_processed"],
        "in_bytes": info["total_net_input_bytes"],
        "out_bytes": info["total_net_output_bytes"],
        "result_bytes": sum(store.memory_usage(key, samples=0) or 0 for key in streams),
    }


def playing(audio: Path, meetings: int) -> Callable[[System], None]:
    def play_all(system: System) -> None:
        if play(system, [audio], "costs", "--meetings", str(meetings), "--format", "binary").wait() != 0:
            raise SystemExit("hubbub simulate failed")

    return play_all


def quiet(audio: Path, folder: Path) -> Path:
    """As long a recording of a quiet room."""
    samples = np.random.default_rng(1).normal(0, 20, soundfile.info(audio).frames).astype(np.int16)
    soundfile.write(folder / "quiet.wav", samples, SAMPLE_RATE)
    return folder / "quiet.wav"


def margins_ms(results: Iterable[Result], words: Sequence[Spoken]) -> list[float]:
    """By word that was seen, how much audio after its end the first transcript to show it needed.

    That lies between what this transcript rests on and what the one before rested on: the middle.
    """
    texts: dict[int, str] = {}
    heard: dict[int, int] = {}
    found: dict[int, float] = {}
    for result in results:
        if not isinstance(result, Transcript):
            continue
        texts[result.start_ms] = result.text
        before = max(heard.get(result.start_ms, 0), result.end_ms - STEP_MS)
        heard[result.start_ms] = result.end_ms
        for index in matched(texts, said_until(words, result.end_ms)):
            found.setdefault(index, (before + result.end_ms) / 2 - words[index].end_ms)
    return list(found.values())


def heard(results: Sequence[Result], words: Sequence[Spoken]) -> dict[str, Any]:
    """How one undisturbed meeting was heard."""
    partials = [r.latency_ms for r in results if isinstance(r, Transcript) and r.status == "partial"]
    margins = np.quantile(margins_ms(results, words), QUANTILES)
    return {
        "partial_ms": median(partials),
        "margins_ms": [round(float(margin)) for margin in margins],
        "utterance_ms": float(np.mean([final.end_ms - final.start_ms for final in finals(results)])),
    }


def batch_lines(audio: Samples) -> dict[str, dict[str, float]]:
    """The cost of the first window of a batch and of each further one, by what they are for."""
    device = Device(threads=load_settings().emitter.threads)
    engine = WhisperEngine.load(find_weights(BUNDLED), device=device)
    return {kind: batch_line(engine, audio, work) for kind, work in WORK.items()}


def features(samples: Samples) -> NDArray[np.float16]:
    mel = LogMel()
    return np.concatenate([mel.push(samples), mel.flush()])


def batch_line(engine: WhisperEngine, audio: Samples, work: Work) -> dict[str, float]:
    """By least squares over batches of several sizes; windows follow each other in the recording."""
    length = work.seconds * SAMPLE_RATE
    windows = [features(audio[begin : begin + length]) for begin in range(0, len(audio) - length, length)]
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for size in SIZES:
        for start in range(ROUNDS):
            batch = [windows[(start + n) % len(windows)] for n in range(size)]
            began = time.process_time()
            engine.transcribe(batch, work.decode, word_times=work.word_times)
            times[size].append(1000 * (time.process_time() - began))
    slope, first = np.polyfit([size - 1 for size in SIZES], [median(times[size]) for size in SIZES], 1)
    return {"first_ms": float(first), "further_ms": float(slope)}


def costs(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What `benchmarks.capacity_model.Costs` reads, from all parts."""
    rest, silent, several = (Taken(**parts[name]) for name in ("rest", "silent", "several"))

    def shares(what: str) -> dict[str, dict[str, float]]:
        idle, *loaded = (getattr(taken, what) for taken in (rest, silent, several))
        further = [
            {name: max(0.0, (values[name] - idle[name]) / taken.meetings) for name in idle}
            for taken, values in zip((silent, several), loaded, strict=True)
        ]
        return {
            name: {"idle": idle[name], "silent": further[0][name], "speaking": further[1][name]}
            for name in idle
        }

    one = parts["one"]["heard"]
    processors = shares("processors")
    # With several, the emitter may reduce its service; one meeting has all of it.
    further = parts["one"]["processors"]["emitter"] - rest.processors["emitter"]
    processors["emitter"]["speaking"] = max(0.0, further)
    return {
        "processors": processors,
        "memory_mb": shares("memory_mb"),
        "redis": shares("redis"),
        "shards": parts["rest"]["shards"],
        "batches": parts["batches"],
        "transit_ms": max(0.0, one["partial_ms"] - parts["batches"]["partial"]["first_ms"]),
        "margins_ms": one["margins_ms"],
        "utterance_ms": one["utterance_ms"],
    }


def measure_part(part: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    if part == "batches":
        samples, _ = soundfile.read(options.audio, dtype="int16")
        return batch_lines(samples)
    if part == "rest":
        return asdict(measure(lambda _: time.sleep(REST_S), 0)[0])
    if part == "one":
        taken, results = measure(playing(options.audio, 1), 1, first_meeting)
        return asdict(taken) | {"heard": heard(results, read_words(options.audio.with_suffix(".words.json")))}
    audio = quiet(options.audio, folder) if part == "silent" else options.audio
    return asdict(measure(playing(audio, options.meetings), options.meetings)[0])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, help="NAME.wav beside NAME.words.json")
    parser.add_argument("--meetings", type=int, default=8, help="several, or silent, meetings")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path, required=True, help="the file of costs")
    return parser.parse_args()


def machine() -> str:
    parts = ", ".join(f"{name} {version(name)}" for name in ("hubbub", "ctranslate2", "redis"))
    return (
        f"{psutil.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}; {parts}"
    )


def print_parts(parts: Mapping[str, Any]) -> None:
    for part, found in parts.items():
        print(part)
        for name, value in chain.from_iterable(_lines(key, item) for key, item in found.items()):
            print(f"    {name:28}{value}")


def _lines(name: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [(f"{name} {key}", f"{item:.4g}") for key, item in value.items() if not isinstance(item, list)]
    return [(name, f"{value:.4g}")]


def main() -> None:
    options = arguments()
    known = json.loads(options.json.read_text()) if options.json.exists() else {"parts": {}}
    print(f"{machine()}, load {psutil.getloadavg()[0]:.1f} before\n")
    with tempfile.TemporaryDirectory() as folder:
        for part in options.parts:
            known["parts"][part] = measure_part(part, options, Path(folder))
            options.json.write_text(json.dumps(known, indent=1))
            print_parts({part: known["parts"][part]})
    if set(PARTS) <= set(known["parts"]):
        known = {"machine": machine(), **costs(known["parts"]), "parts": known["parts"]}
        options.json.write_text(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
