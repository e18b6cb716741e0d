"""How many live streams an accelerator holds, what larger batches give, and where the time goes.

    python -m benchmarks.gpu --device cuda --precision float16                # wav2vec2-base
    python -m benchmarks.gpu --device cuda --engine whisper --weights bundled
    python -m benchmarks.gpu --device cpu --weights tiny --batches 1 2 4 --seconds 2

Weights are `base` or `tiny`, of random values (what computing takes does not depend on them, and
there is nothing to download), a folder, or the name of a torchaudio bundle; for Whisper what
`emitter.model` takes. `tiny` on the CPU is a test of the benchmark itself.

Streams speak without a pause. Each sends a chunk of 100 ms at its own phase and is due for a
partial on the last `--view-s` seconds every `--every-ms`; partials that have waited longest share
a pass. Passes are really computed and timed; the time between them is simulated, so an idle device
costs no time. Latency runs from the capture of a chunk to the partial that contains it, without
what Redis and the other pools take. A partial that is due again before it was computed is
superseded. The number of streams is the largest found whose p95 holds `--within-ms`, with hardly
any partial superseded.
"""

import argparse
import importlib
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.capacity_queues import CHUNK_MS, Arrival, Cadence, Pass, Windows, serve
from benchmarks.gpu_subjects import PARTIAL, Machine, Subject, Wav2Vec2, Whisper
from benchmarks.peers_clients import Samples
from common.audio import SAMPLE_RATE

ROUNDS = 5
MOST_STREAMS = 4096
RECORDED_S = 60
SUPERSEDED = 0.02
"""The share of partials that may be; beyond, the device is overloaded, however fresh what it makes."""
SETTLING_MS = 1000.0
"""The first second of a run, in which all streams begin at once, does not count."""


@dataclass(frozen=True)
class BatchRow:
    """A batch of so many windows: ms of one pass, windows a second, ms by step."""

    windows: int
    pass_ms: float
    windows_per_s: float
    steps_ms: dict[str, float]


@dataclass(frozen=True)
class StreamsRow:
    """So many streams: p50 and p95 from chunk to partial, share of time computing, windows a pass.

    `superseded` partials are counted for each chunk.
    """

    streams: int
    p50_ms: float
    p95_ms: float
    busy: float
    batch: float
    superseded: float

    def holds(self, within_ms: float) -> bool:
        """Whether the device keeps up, and in time."""
        return self.p95_ms <= within_ms and self.superseded <= SUPERSEDED


@dataclass(frozen=True)
class Live:
    """What each stream asks for, and what its partials must hold."""

    cadence: Cadence
    view_s: int
    seconds: float
    within_ms: float


def recording() -> Samples:
    """A minute that sounds somewhat like a voice: harmonics of a gliding pitch, in syllables, and noise."""
    t = np.arange(RECORDED_S * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.7 * t)) / SAMPLE_RATE
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1)
    noise = np.random.default_rng(1).normal(0, 300, len(t))
    return (4000 * voice * syllables + noise).astype(np.int16)


def view(audio: Samples, stream: int, view_s: int) -> Samples:
    """The last seconds of a stream: each stream is elsewhere in the recording."""
    length = view_s * SAMPLE_RATE
    begin = stream * 7919 % (len(audio) - length)
    return audio[begin : begin + length]


def batch_row(subject: Subject, windows: Sequence[Any]) -> BatchRow:
    """Medians of several passes, after one that does not count."""
    subject.engine.transcribe(windows, PARTIAL, word_times=False)
    passes = [
        timed(lambda: subject.engine.transcribe(windows, PARTIAL, word_times=False)) for _ in range(ROUNDS)
    ]
    steps = [subject.steps(windows) for _ in range(ROUNDS)]
    pass_ms = median(passes)
    by_step = {name: median(step[name] for step in steps) for name in steps[0]}
    return BatchRow(len(windows), pass_ms, 1000 * len(windows) / pass_ms, by_step)


def timed(action: Callable[[], object]) -> float:
    """Ms."""
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


def arrivals(streams: int, seconds: float) -> list[Arrival]:
    """Chunks of all streams in order of time, each stream at its own phase."""

    def chunks(stream: int) -> Iterator[Arrival]:
        phase_ms = CHUNK_MS * stream / streams
        for number in range(1, int(seconds * 1000 / CHUNK_MS) + 1):
            end_ms = phase_ms + number * CHUNK_MS
            yield Arrival(end_ms, stream, end_ms)

    found = [arrival for stream in range(streams) for arrival in chunks(stream)]
    return sorted(found, key=lambda arrival: arrival.at_ms)


def serve_streams(streams: int, live: Live, cost_ms: Callable[[list[Arrival]], float]) -> StreamsRow:
    queue = Windows(live.cadence)
    coming = arrivals(streams, live.seconds + SETTLING_MS / 1000)
    passes = serve(coming, queue, cost_ms)
    counted = [one for one in passes if SETTLING_MS <= one.begin_ms <= coming[-1].at_ms]
    return streams_row(streams, counted or passes, queue.superseded / len(coming))


def streams_row(streams: int, passes: Sequence[Pass], superseded: float) -> StreamsRow:
    latencies = [one.end_ms - item.end_ms for one in passes for item in one.taken]
    p50, p95 = np.percentile(latencies, [50, 95])
    computing = sum(one.end_ms - one.begin_ms for one in passes)
    busy = computing / (passes[-1].end_ms - passes[0].begin_ms)
    return StreamsRow(streams, float(p50), float(p95), busy, len(latencies) / len(passes), superseded)


def most_streams(live: Live, cost_ms: Callable[[list[Arrival]], float]) -> list[StreamsRow]:
    """Every number that was tried, in order; the largest that holds is the answer."""
    tried: dict[int, StreamsRow] = {}

    def holds(streams: int) -> bool:
        tried[streams] = serve_streams(streams, live, cost_ms)
        return tried[streams].holds(live.within_ms)

    low, high = 0, 1
    while high <= MOST_STREAMS and holds(high):
        low, high = high, 2 * high
    while high - low > max(1, low // 16):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return [tried[streams] for streams in sorted(tried)]


def computed(subject: Subject, audio: Samples, view_s: int) -> Callable[[list[Arrival]], float]:
    """The cost of a batch: what it takes when it is done."""
    windows = [subject.window(view(audio, stream, view_s)) for stream in range(256)]

    def cost_ms(batch: list[Arrival]) -> float:
        chosen = [windows[item.utterance % len(windows)] for item in batch]
        return timed(lambda: subject.engine.transcribe(chosen, PARTIAL, word_times=False))

    return cost_ms


def print_batches(rows: Sequence[BatchRow]) -> None:
    steps = rows[0].steps_ms
    print(
        f"{'windows':>8}{'pass ms':>9}{'windows/s':>11}{'efficiency':>11}"
        + "".join(f"{s + ' ms':>12}" for s in steps)
    )
    for row in rows:
        gain = row.windows_per_s / rows[0].windows_per_s
        parts = "".join(f"{row.steps_ms[step]:12.1f}" for step in steps)
        print(f"{row.windows:8}{row.pass_ms:9.1f}{row.windows_per_s:11.1f}{gain:10.1f}x{parts}")


def print_streams(rows: Sequence[StreamsRow], live: Live) -> None:
    print(f"\n{'streams':>8}{'p50 ms':>9}{'p95 ms':>9}{'computing':>11}{'a pass':>8}{'superseded':>12}")
    for row in rows:
        print(
            f"{row.streams:8}{row.p50_ms:9.1f}{row.p95_ms:9.1f}{row.busy:11.2f}{row.batch:8.1f}{row.superseded:12.3f}"
        )
    most = max((row.streams for row in rows if row.holds(live.within_ms)), default=0)
    print(f"\n{most} streams hold a p95 of {live.within_ms:.0f} ms from chunk to partial")


def machine_line(options: argparse.Namespace) -> str:
    parts = []
    for name in ("hubbub", "torch", "torchaudio", "ctranslate2", "numpy"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    device = options.device
    if device == "cuda" and options.engine == "wav2vec2":
        device = importlib.import_module("torch").cuda.get_device_name()
    return f"{device}, {platform.machine()}, Python {platform.python_version()}; {', '.join(parts)}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--engine", choices=["wav2vec2", "whisper"], default="wav2vec2")
    parser.add_argument("--weights", default="base")
    parser.add_argument("--precision", choices=["float32", "float16", "int8"], default="float32")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--view-s", type=int, default=4, help="audio that a partial is made from")
    parser.add_argument("--every-ms", type=float, default=200, help="new speech for a partial")
    parser.add_argument("--within-ms", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=10, help="simulated time of each number of streams")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    machine = Machine(options.device, options.precision, options.threads)
    subject: Subject = (Wav2Vec2 if options.engine == "wav2vec2" else Whisper)(options.weights, machine)
    live = Live(
        Cadence(CHUNK_MS, options.every_ms, max(options.batches)),
        options.view_s,
        options.seconds,
        options.within_ms,
    )
    print(f"{subject.name}, {options.precision}; {machine_line(options)}; views of {live.view_s} s\n")
    audio = recording()
    batches = [
        batch_row(subject, [subject.window(view(audio, n, live.view_s)) for n in range(size)])
        for size in options.batches
    ]
    print_batches(batches)
    streams = most_streams(live, computed(subject, audio, live.view_s))
    print_streams(streams, live)
    if options.json:
        head = {"subject": subject.name, "machine": machine_line(options), "live": asdict(live)}
        report = head | {"batches": [*map(asdict, batches)], "streams": [*map(asdict, streams)]}
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
