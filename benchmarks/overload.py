"""Several times the load that full service holds, for two minutes, then quiet.

    python -m benchmarks.overload                        # five times what the emitter says it holds
    python -m benchmarks.overload --meetings 64

Meetings play the bundled meeting, which has phrases to be heard, over real sockets. Without
`--meetings` one meeting is played first, and the emitter's headroom then tells how many would have
full service. Printed are the latencies of what came while the load lasted, what became of every
utterance, and how long after the last audio it took until the level was 0 again and until every
deferred utterance had its final. `missing` counts utterances that were announced as spoken and
have neither a final nor a word about why not. Meetings that begin together all say the same phrase at the
same moment; `--apart` has them begin one after another.
"""

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from benchmarks.live import CHUNK_MS, cpu_s, percentiles, print_machine, unsettled, wait_until_settled
from common.errors import HubbubError
from common.results import Activity, Keyword, Result, Transcript
from tests.system.kit import DEMO, System, excerpt, play, running_system

PROBE_S = 30
DEMO_S = 108
QUIET_S = 900
"""Backfilling is waited for no longer than this."""


@dataclass(frozen=True)
class Outcome:
    """Latencies in ms: p50, p95, p99. Times in seconds after the last audio; None: not reached."""

    meetings: int
    activity: tuple[float, float, float]
    keyword: tuple[float, float, float]
    acoustic_keywords: int
    keywords: int
    final: tuple[float, float, float]
    deferred_notice: tuple[float, float, float]
    utterances: int
    finals: int
    deferred: int
    backfilled: int
    lost: int
    missing: int
    worst_level: int
    full_service_after_s: float | None
    backfilled_after_s: float | None
    processors: dict[str, float]
    peak_memory_mb: dict[str, float]


class Watch:
    """Follows what the processes report, in a thread, until it is stopped."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.levels: list[tuple[float, int]] = []
        self.memory_mb: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            reports = self._system.reports()
            self.levels.append((time.monotonic(), max((r.level for r in reports), default=0)))
            for report in reports:
                used = report.rss_bytes / 1e6
                self.memory_mb[report.pool] = max(used, self.memory_mb.get(report.pool, 0))


def held(system: System) -> int:
    """How many meetings would have full service, by what the emitter says with one."""
    player = play(system, [DEMO], "probe", "--meetings", "1", "--format", "binary", "--chunk-ms", CHUNK_MS)
    time.sleep(PROBE_S)
    [emitter] = [report for report in system.reports() if report.pool == "emitter"]
    player.terminate()
    player.wait()
    return max(1, 1 + int(emitter.headroom))


def overload(system: System, meetings: int, seconds: int, apart_ms: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, Watch(system) as watch:
        played = [DEMO] * (seconds // DEMO_S)
        played.append(excerpt(Path(folder) / "rest.wav", 0, max(1, seconds % DEMO_S)))
        before, began = cpu_s(system), time.monotonic()
        flags = ("--meetings", str(meetings), "--format", "binary", "--chunk-ms", CHUNK_MS)
        if play(system, played, "load", *flags, "--apart-ms", str(apart_ms)).wait() != 0:
            raise HubbubError("hubbub simulate failed")
        ended, loaded = time.monotonic(), cpu_s(system)
        names = [f"load-{number}" for number in range(meetings)]
        settled = wait_until_settled(system, names, QUIET_S)
        full = wait_for_level_0(watch, ended)
        results = [result for name in names for result in system.outcome(name)[1]]
    took_s = ended - began
    return summary(
        results,
        meetings=meetings,
        worst_level=max(level for _, level in watch.levels),
        full_service_after_s=full,
        backfilled_after_s=None if settled is None else max(0.0, settled - ended),
        processors={pool: (loaded[pool] - before[pool]) / took_s for pool in before},
        peak_memory_mb=watch.memory_mb,
    )


def wait_for_level_0(watch: Watch, ended: float) -> float | None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        after = [(at, level) for at, level in watch.levels if at >= ended]
        if after and after[-1][1] == 0:
            return max([0.0, *(at - ended for at, level in after if level)])
        time.sleep(1)
    return None


def summary(results: Sequence[Result], **known: object) -> Outcome:
    transcripts = [result for result in results if isinstance(result, Transcript)]
    counts = Counter(t.status for t in transcripts)
    live = [t for t in transcripts if not t.backfilled]
    keywords = [result for result in results if isinstance(result, Keyword)]
    acoustic = [keyword for keyword in keywords if keyword.source == "acoustic"]
    return Outcome(
        activity=percentiles([r.latency_ms for r in results if isinstance(r, Activity)]),
        keyword=percentiles([keyword.latency_ms for keyword in acoustic]),
        acoustic_keywords=len(acoustic),
        keywords=len(keywords),
        final=percentiles(latencies(live, "final")),
        deferred_notice=percentiles(latencies(live, "deferred")),
        utterances=len({r.utterance for r in results if isinstance(r, Activity)}),
        finals=counts["final"],
        deferred=counts["deferred"],
        backfilled=sum(t.backfilled for t in transcripts),
        lost=counts["lost"],
        missing=len(unsettled(results)),
        **known,  # type: ignore[arg-type]  # the fields named in `overload`
    )


def latencies(transcripts: Iterable[Transcript], status: str) -> list[float]:
    return [t.latency_ms for t in transcripts if t.status == status]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--meetings", type=int, help="instead of `--times` what full service holds")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument(
        "--apart", type=int, default=0, metavar="MS", help="between the beginnings of meetings"
    )
    parser.add_argument("--scale", help="as of hubbub up, e.g. emitter=2")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    print_machine()
    scale = ["--scale", options.scale] if options.scale else []
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder) / "log", *scale) as system:
        meetings = options.meetings
        if meetings is None:
            holds = held(system)
            meetings = options.times * holds
            print(f"full service holds {holds} by its own account; {meetings} for {options.seconds} s\n")
        outcome = overload(system, meetings, options.seconds, options.apart)
    for name, value in asdict(outcome).items():
        print(f"{name:>22}  {shown(value)}")
    if options.json:
        options.json.write_text(json.dumps(asdict(outcome), indent=2))


def shown(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{key} {amount:.2f}" for key, amount in value.items())
        case tuple():
            return " / ".join(f"{part:.0f}" for part in value)
        case float():
            return f"{value:.1f}"
        case _:
            return str(value)


if __name__ == "__main__":
    main()
