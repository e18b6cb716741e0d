"""WhisperLive beside Hubbub: the same recordings, weights, machine, clock and pace.

    python -m benchmarks.peers --audio ../shared/speech/live/continuous.wav --clients 1 4 8 16 \
        --environment /tmp/whisper-live --json peers.json

Each recording comes with its words and when each is spoken, `NAME.words.json`: [[word, start_s,
end_s], …]; clients take the recordings in turns. A client of either system sends each chunk of
100 ms when its last sample has been captured, and notes when texts arrive over its socket. A
word's latency runs from its end, as spoken, to the first text that holds it at its place. The
final text is what stands when nothing has come for 15 s. A fresh server is started for every row
and warmed up with one client before. Rows already in the JSON file are kept unless measured
again, so that a long comparison can be made piece by piece:

    python -m benchmarks.peers … --systems whisper-live --clients 16 --json peers.json
"""

import argparse
import asyncio
import json
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jiwer
import psutil
import soundfile

from benchmarks.live import Spoken, cpu_s, matched, normalise, percentiles, read_words, said_until
from benchmarks.peers_clients import (
    Samples,
    Session,
    Shown,
    hubbub,
    texts_in_order,
    whisper_live,
)
from benchmarks.peers_whisper_live import SETTINGS, VERSION, environment, running_server
from common.audio import SAMPLE_RATE
from tests.system.kit import running_system
from workers.engines.whisper_weights import BUNDLED, find_weights

WARM_UP_S = 5
Speak = Callable[[Samples, str], Awaitable[Session]]


@dataclass(frozen=True)
class Recording:
    """A recording and its reference words."""

    audio: Samples
    words: list[Spoken]


@dataclass(frozen=True)
class Running:
    """A system that serves: how one client speaks to it, and the processor time it has taken."""

    speak: Speak
    cpu_s: Callable[[], float]


@dataclass(frozen=True)
class Row:
    """What one system came to. Latencies in ms: p50, p95, p99; `processors` are those kept busy."""

    system: str
    clients: int
    word_ms: tuple[float, float, float]
    words_seen: float
    wer: float
    processors: float


def read(path: Path) -> Recording:
    audio, rate = soundfile.read(path, dtype="int16")
    if rate != SAMPLE_RATE or audio.ndim != 1:
        raise SystemExit(f"{path}: {rate} Hz; this benchmark takes 16 kHz mono")
    return Recording(audio, read_words(path.with_suffix(".words.json")))


def word_latencies(shown: Iterable[Shown], words: Sequence[Spoken]) -> list[float]:
    """Of each word that was seen, in ms."""
    seen: dict[int, float] = {}
    for view in shown:
        for index in matched(dict(view.texts), said_until(words, view.at_s * 1000)):
            seen.setdefault(index, view.at_s * 1000 - words[index].end_ms)
    return list(seen.values())


def errors(session: Session, words: Sequence[Spoken]) -> int:
    """Word errors of the text that a client was left with."""
    reference = " ".join(word.text for word in words)
    found = jiwer.process_words(reference, normalise(texts_in_order(session.final.items())))
    return found.substitutions + found.deletions + found.insertions


@contextmanager
def running_whisper_live(folder: Path, clients: int) -> Iterator[Running]:
    weights = find_weights(BUNDLED)
    with (
        tempfile.TemporaryDirectory() as logs,
        running_server(environment(folder), weights, Path(logs) / "log", clients=clients) as server,
    ):
        yield Running(lambda audio, name: whisper_live(server.url, audio, name), lambda: used_s(server.pid))


def used_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


@contextmanager
def running_hubbub() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as logs, running_system(Path(logs) / "log") as system:
        yield Running(
            lambda audio, name: hubbub(system.ingest, system.gateway, audio, name),
            lambda: sum(cpu_s(system).values()),
        )


def measure(running: Running, recordings: Sequence[Recording], clients: int) -> tuple[list[Session], float]:
    """What each client was shown, and the processors that were kept busy meanwhile."""
    asyncio.run(play_all(running.speak, [recordings[0].audio[: WARM_UP_S * SAMPLE_RATE]], "warm"))
    before, began = running.cpu_s(), time.monotonic()
    spoken = [recordings[n % len(recordings)].audio for n in range(clients)]
    sessions = asyncio.run(play_all(running.speak, spoken, "client"))
    return sessions, (running.cpu_s() - before) / (time.monotonic() - began)


async def play_all(speak: Speak, audios: Sequence[Samples], prefix: str) -> list[Session]:
    return await asyncio.gather(*(speak(audio, f"{prefix}-{n}") for n, audio in enumerate(audios)))


def row(name: str, running: Running, recordings: Sequence[Recording], clients: int) -> Row:
    sessions, processors = measure(running, recordings, clients)
    words = [recordings[n % len(recordings)].words for n in range(clients)]
    latencies = [
        ms
        for session, said in zip(sessions, words, strict=True)
        for ms in word_latencies(session.shown, said)
    ]
    total = sum(map(len, words))
    wrong = sum(errors(session, said) for session, said in zip(sessions, words, strict=True))
    return Row(name, clients, percentiles(latencies), len(latencies) / total, wrong / total, processors)


def machine() -> str:
    ours = ", ".join(f"{name} {version(name)}" for name in ("hubbub", "faster-whisper", "ctranslate2"))
    return (
        f"{psutil.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}; {ours}"
    )


def print_rows(rows: Sequence[Row]) -> None:
    print(f"{'system':>14}{'clients':>8}{'word p50/p95/p99 ms':>24}{'seen':>7}{'WER':>7}{'processors':>12}")
    for item in rows:
        times = "/".join(f"{ms:.0f}" for ms in item.word_ms)
        shares = f"{item.words_seen:7.3f}{item.wer:7.3f}{item.processors:12.2f}"
        print(f"{item.system:>14}{item.clients:8}{times:>24}{shares}")


def stored(path: Path | None) -> dict[tuple[str, int], Row]:
    """The rows of an earlier run, by system and clients."""
    if path is None or not path.exists():
        return {}
    rows: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return {(item["system"], item["clients"]): Row(**item) for item in rows}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--audio", type=Path, nargs="+", required=True, help="NAME.wav beside NAME.words.json"
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument(
        "--systems", nargs="+", choices=["whisper-live", "hubbub"], default=["whisper-live", "hubbub"]
    )
    parser.add_argument("--environment", type=Path, help="where WhisperLive is, or is installed to")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    return parser.parse_args()


def run(options: argparse.Namespace, folder: Path) -> dict[tuple[str, int], Row]:
    recordings = [read(path) for path in options.audio]
    rows = stored(options.json)
    for clients in options.clients:
        for name in options.systems:
            start = running_hubbub() if name == "hubbub" else running_whisper_live(folder, clients + 1)
            with start as running:
                rows[name, clients] = row(name, running, recordings, clients)
            print_rows([rows[name, clients]])
            if options.json:
                report = {"machine": machine(), "peer": f"WhisperLive {VERSION}, {SETTINGS}"}
                options.json.write_text(
                    json.dumps(report | {"rows": [*map(asdict, rows.values())]}, indent=1)
                )
    return rows


def main() -> None:
    options = arguments()
    print(f"{machine()}, load {psutil.getloadavg()[0]:.1f} before; WhisperLive {VERSION}: {SETTINGS}\n")
    with tempfile.TemporaryDirectory() as temporary:
        rows = run(options, options.environment or Path(temporary))
    print()
    print_rows([rows[key] for key in sorted(rows, key=lambda key: (key[1], key[0]))])


if __name__ == "__main__":
    main()
