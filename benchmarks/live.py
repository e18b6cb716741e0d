"""Meetings of continuous speech in real time: the four clocks, words, and what each pool costs.

    python -m benchmarks.live --audio ../shared/speech/live/continuous.wav --meetings 1 2 4 8

The audio comes with its words and when each is spoken, `NAME.words.json`: [[word, start_s, end_s],
…]. For each number of meetings a fresh system plays them all at once: in step, which is the hardest,
since all pause together, or each `--apart` ms after the one before. A word counts as seen when the
latest texts of all utterances, in order of start, first hold it at its place; its latency runs from
the end of the word as spoken to the commit of that transcript. Capture is taken to be when the
player sends a chunk. *Wrong* is the share of the words in partials, and of the stable ones, that were not
said there. Processor time is in processors: 1.00 is one of them, always busy.

*Pass* is how fast the machine was just before, with nothing else to do: what the text of a partial took, 4 s
of the audio in a context of 6 s, in ms, the median of many. On shared machines it is seldom the same twice.
"""

import argparse
import json
import platform
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from importlib.metadata import version
from pathlib import Path

import jiwer
import numpy as np
import psutil
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

from benchmarks.wer import features
from common.results import Activity, Keyword, Result, Transcript
from common.streams.audio_log import MeetingRecord
from tests.system.kit import System, finals, play, running_system
from workers.engines.speech import DecodeSettings
from workers.engines.whisper import WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

CLOCKS = ("word", "activity", "partial", "final", "keyword")
CHUNK_MS = "100"
SETTLE_S = 900
"""What was deferred is waited for no longer than this."""
normalise = EnglishTextNormalizer()
UNFINISHED_MS = 300
"""How much of a word may be missing when it is recognised."""
PACE_FRAMES, PACE_ROUNDS = 400, 40
PACE_SETTINGS = DecodeSettings(context_s=6, beam=1, second_try=False)


@dataclass(frozen=True)
class Spoken:
    """A reference word, normalised, and when it ends."""

    text: str
    end_ms: float


@dataclass(frozen=True)
class Row:
    """What one number of meetings came to. Latencies in ms: p50, p95, p99."""

    meetings: int
    latency: dict[str, tuple[float, float, float]]
    words_seen: float
    wrong: tuple[float, float]
    wer: float
    level: int
    coverage: float
    processors: dict[str, float]
    memory_mb: dict[str, float]
    pass_ms: float = 0.0


class Pace:
    """How fast the machine is at the moment."""

    def __init__(self, audio: Path) -> None:
        samples, _ = soundfile.read(audio, dtype="int16")
        self._window = features(samples)[:PACE_FRAMES]
        self._engine = WhisperEngine.load(find_weights(BUNDLED))

    def pass_ms(self) -> float:
        """What the text of a partial takes, in the median."""
        took = []
        for _ in range(PACE_ROUNDS):
            begun = time.perf_counter()
            self._engine.transcribe([self._window], PACE_SETTINGS, word_times=False)
            took.append(time.perf_counter() - begun)
        return float(np.median(took)) * 1000


def read_words(path: Path) -> list[Spoken]:
    """A word that the normaliser makes two of, or none, counts so."""
    items = json.loads(path.read_text())
    return [Spoken(part, end * 1000) for word, _, end in items for part in normalise(word).split()]


def word_latencies(results: Iterable[Result], words: Sequence[Spoken], started_at_ms: int) -> list[float]:
    """Of each word that was seen."""
    texts: dict[int, str] = {}
    seen: dict[int, float] = {}
    for result in results:
        if isinstance(result, Transcript):
            texts[result.start_ms] = result.text
            for index in matched(texts, said_until(words, result.end_ms)):
                seen.setdefault(index, result.emitted_at_ms - started_at_ms - words[index].end_ms)
    return list(seen.values())


def said_until(words: Sequence[Spoken], now_ms: float) -> Sequence[Spoken]:
    """The words that were being said by then: a text that is yet short must not match later ones."""
    return words[: bisect_right(words, now_ms + UNFINISHED_MS, key=lambda word: word.end_ms)]


def matched(texts: dict[int, str], words: Sequence[Spoken]) -> Iterable[int]:
    """Indices of the reference words that the texts hold at their place."""
    shown = normalise(" ".join(texts[start] for start in sorted(texts))).split()
    matcher = SequenceMatcher(a=[word.text for word in words], b=shown, autojunk=False)
    return [block.a + i for block in matcher.get_matching_blocks() for i in range(block.size)]


class Shown:
    """Counts the words of partials, all and the stable ones, and those of them that were not said there."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._wrong: Counter[str] = Counter()

    def add(self, results: Iterable[Result], words: Sequence[Spoken]) -> None:
        """Words count again in every partial that shows them."""
        for result in results:
            if isinstance(result, Transcript) and result.status == "partial":
                first = bisect_right(words, result.start_ms, key=lambda word: word.end_ms)
                said = said_until(words, result.end_ms)[first:]
                self._count("text", result.text, said)
                self._count("stable", result.stable, said)

    def _count(self, kind: str, text: str, said: Sequence[Spoken]) -> None:
        shown = len(normalise(text).split())
        self._words[kind] += shown
        self._wrong[kind] += shown - len(list(matched({0: text}, said)))

    def wrong(self) -> tuple[float, float]:
        """Of all words, and of the stable ones."""
        text, stable = (self._wrong[kind] / (self._words[kind] or 1) for kind in ("text", "stable"))
        return text, stable


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    if not values:
        return (float("nan"),) * 3
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return float(p50), float(p95), float(p99)


def measure(
    audio: Path, words: Sequence[Spoken], meetings: int, scale: Sequence[str], *, apart_ms: int = 0
) -> Row:
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder) / "log", *scale) as system:
        before, began = cpu_s(system), time.monotonic()
        flags = ("--meetings", str(meetings), "--format", "binary", "--chunk-ms", CHUNK_MS)
        player = play(system, [audio], "live", *flags, "--apart-ms", str(apart_ms))
        if player.wait() != 0:
            raise SystemExit("hubbub simulate failed")
        took_s = time.monotonic() - began
        after = cpu_s(system)
        memory = by_pool((report.pool, report.rss_bytes / 1e6) for report in system.reports())
        return _row(system, words, meetings, memory, {p: (after[p] - before[p]) / took_s for p in before})


def _row(
    system: System,
    words: Sequence[Spoken],
    meetings: int,
    memory: dict[str, float],
    processors: dict[str, float],
) -> Row:
    gathered: dict[str, list[float]] = {clock: [] for clock in CLOCKS}
    reference = " ".join(word.text for word in words)
    errors, coverage, level, shown = 0, [], 0, Shown()
    wait_until_settled(system, [f"live-{number}" for number in range(meetings)], SETTLE_S)
    for number in range(meetings):
        record, results = system.outcome(f"live-{number}")
        coverage.append(record.coverage)
        gathered["word"] += word_latencies(results, words, record.started_at_ms)
        shown.add(results, words)
        for clock, latency_ms in clocks(results):
            gathered[clock].append(latency_ms)
        level = max([level, *(r.level for r in results if isinstance(r, Transcript))])
        found = jiwer.process_words(reference, normalise(text_of(results)))
        errors += found.substitutions + found.deletions + found.insertions
    return Row(
        meetings,
        {clock: percentiles(values) for clock, values in gathered.items()},
        len(gathered["word"]) / (meetings * len(words)),
        shown.wrong(),
        errors / (meetings * len(words)),
        level,
        min(coverage),
        processors,
        memory,
    )


def text_of(results: Sequence[Result]) -> str:
    """All finals, where they were said: what was backfilled comes late."""
    return " ".join(final.text for final in sorted(finals(results), key=lambda final: final.start_ms))


def wait_until_settled(system: System, meetings: Sequence[str], within_s: float) -> float | None:
    """When every utterance of these meetings had its final or was given up; None where that took too long."""
    deadline, waiting = time.monotonic() + within_s, list(meetings)
    while waiting and time.monotonic() < deadline:
        waiting = [name for name in waiting if not settled(*system.outcome(name))]
        time.sleep(1)
    return None if waiting else time.monotonic()


def settled(record: MeetingRecord, results: Sequence[Result]) -> bool:
    """Whether a meeting is over and nothing more is to come of it."""
    return record.ended and not unsettled(results)


def unsettled(results: Sequence[Result]) -> set[str]:
    """Utterances that were spoken and have neither a final nor were given up."""
    spoken = {r.utterance for r in results if isinstance(r, Activity)}
    told = (r for r in results if isinstance(r, Transcript) and r.status in ("final", "lost"))
    return spoken - {transcript.utterance for transcript in told}


def clocks(results: Iterable[Result]) -> Iterable[tuple[str, float]]:
    for result in results:
        match result:
            case Activity(state="speaking"):
                yield "activity", result.latency_ms
            case Transcript(status="partial" | "final", backfilled=False):
                yield result.status, result.latency_ms
            case Keyword(source="acoustic"):
                yield "keyword", result.latency_ms
            case _:
                pass


def cpu_s(system: System) -> dict[str, float]:
    return by_pool((report.pool, report.cpu_s) for report in system.reports())


def by_pool(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for pool, value in values:
        sums[pool] = sums.get(pool, 0) + value
    return sums


def print_machine() -> None:
    """The machine, its load, and what was measured."""
    parts = ", ".join(f"{name} {version(name)}" for name in ("hubbub", "ctranslate2", "redis"))
    load = psutil.getloadavg()[0]
    print(f"{psutil.cpu_count()} processors, {platform.machine()}, load {load:.1f} before; {parts}\n")


def print_header() -> None:
    print_machine()
    names = "".join(f"{clock + ' p50/95/99':>24}" for clock in CLOCKS)
    shares = f"{'seen':>7}{'wrong':>12}{'WER':>7}{'level':>6}{'cover':>7}"
    print(f"{'meetings':>8}{'pass':>6}{names}{shares}  processors, MB by pool")


def print_row(row: Row) -> None:
    times = "".join(f"{'/'.join(f'{v:.0f}' for v in row.latency[clock]):>24}" for clock in CLOCKS)
    pools = ", ".join(f"{p} {row.processors[p]:.2f} {row.memory_mb.get(p, 0):.0f}" for p in row.processors)
    wrong = "/".join(f"{share:.3f}" for share in row.wrong)
    shares = f"{row.words_seen:7.3f}{wrong:>12}{row.wer:7.3f}{row.level:6}{row.coverage:7.3f}"
    print(f"{row.meetings:8}{row.pass_ms:6.0f}{times}{shares}  {pools}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, help="NAME.wav beside NAME.words.json")
    parser.add_argument("--meetings", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--apart", type=int, default=0, metavar="MS", help="between the meetings' beginnings")
    parser.add_argument("--scale", help="as of hubbub up, e.g. emitter=2")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    words = read_words(options.audio.with_suffix(".words.json"))
    print_header()
    scale = ["--scale", options.scale] if options.scale else []
    pace, rows = Pace(options.audio), []
    for meetings in options.meetings:
        pass_ms = pace.pass_ms()
        row = measure(options.audio, words, meetings, scale, apart_ms=options.apart)
        rows.append(replace(row, pass_ms=pass_ms))
        print_row(rows[-1])
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
