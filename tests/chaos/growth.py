"""Whether what is held grows: decided from the samples of a long run alone.

Models, caches and pools of connections come to their size in the first quarter of a run. From then
on nothing should depend on how much has been heard: the median of the last quarter is compared with
that of the second, half a run earlier, of everything that lived through both. A median, since what
waits during an outage is held as well, and let go again.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from common.stage import Stream
from tests.chaos.watching import CLIENTS, KEYS, MEMORY, RESULTS, Sample

QUARTERS = 4
MB = 1_000_000
_ROOM = {"memory, MB": 5.0, "files": 8.0, KEYS: 8.0, CLIENTS: 8.0, "entries": 500.0}
"""What the last quarter may have more than the second and still count as flat.

Undisturbed, processes differ by half a megabyte; the first outages leave a few more behind, in
buffers that have grown. An utterance under way holds up to a few hundred entries; streams that grow
beyond that say that the machine does not keep up, and then nothing else can be judged.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """The medians of one figure by quarter; None where it was not there for half of a quarter."""

    whose: str
    unit: str
    quarters: Sequence[float | None]

    @property
    def grown(self) -> float | None:
        """From the second quarter to the last; None where it was not there in both."""
        early, late = self.quarters[1], self.quarters[-1]
        return None if early is None or late is None else late - early

    @property
    def verdict(self) -> str:
        """Results are kept on purpose; everything else has room for a little."""
        if self.unit not in _ROOM:
            return "kept"
        if self.grown is None:
            return "unknown"
        return "flat" if self.grown <= _ROOM[self.unit] else "grows"


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """Of each pool the process that grew most, in memory and in files; and the server's figures."""
    parts = quarters(samples)
    everyone = dict.fromkeys(name for sample in samples for name in sample.processes)
    found = [growth for name in everyone for growth in _of_process(name, parts)]
    worst: dict[tuple[str, str], Growth] = {}
    for growth in found:
        key = growth.whose.split()[0], growth.unit
        if key not in worst or _or_least(growth.grown) > _or_least(worst[key].grown):
            worst[key] = growth
    return [*sorted(worst.values(), key=lambda growth: growth.unit, reverse=True), *_of_server(parts)]


def _of_server(parts: Sequence[Sequence[Sample]]) -> Iterable[Growth]:
    answered = [[sample for sample in part if sample.server] for part in parts]
    for name, unit, scale in (
        (MEMORY, "memory, MB", MB),
        (RESULTS, "results, MB", MB),
        (KEYS, KEYS, 1),
        (CLIENTS, CLIENTS, 1),
    ):
        yield Growth("redis", unit, [_median([s.server[name] for s in part], scale) for part in answered])
    for stream in (Stream.AUDIO, Stream.SPEECH, Stream.WINDOWS):
        yield Growth(stream, "entries", [_median([s.lengths[stream] for s in part], 1) for part in answered])


def _or_least(grown: float | None) -> float:
    return -math.inf if grown is None else grown


def quarters(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Of equal length in time."""
    ends_s = samples[-1].at_s
    parts: list[list[Sample]] = [[] for _ in range(QUARTERS)]
    for sample in samples:
        parts[min(QUARTERS - 1, int(QUARTERS * sample.at_s / ends_s))].append(sample)
    return parts


def growth_table(found: Iterable[Growth]) -> str:
    """A row for each figure."""
    head = ["| whose | what | 1st quarter | 2nd | 3rd | last | grown | |", "|---|---" + "|---:" * 5 + "|---|"]
    return "\n".join([*head, *map(_row, found)])


def _row(growth: Growth) -> str:
    cells = ["-" if value is None else f"{value:,.1f}" for value in growth.quarters]
    grown = "-" if growth.grown is None else f"{growth.grown:+.1f}"
    return f"| {growth.whose} | {growth.unit} | {' | '.join(cells)} | {grown} | {growth.verdict} |"


def lag_table(samples: Sequence[Sample]) -> str:
    """By group, its median lag of each quarter, and the most there ever was of lag and pending entries."""
    head = [
        "| group | lag, 1st quarter | 2nd | 3rd | last | most | pending, most |",
        "|---" + "|---:" * 6 + "|",
    ]
    answered = [sample for sample in samples if sample.server]
    return "\n".join([*head, *(_lag_row(name, answered) for name in answered[-1].lags)])


def _lag_row(name: str, samples: Sequence[Sample]) -> str:
    medians = [_median([sample.lags[name] for sample in part], 1) for part in quarters(samples)]
    most = max(sample.lags[name] for sample in samples), max(sample.pendings[name] for sample in samples)
    cells = ["-" if value is None else f"{value:,.0f}" for value in medians]
    return f"| {name} | {' | '.join(cells)} | {most[0]:,} | {most[1]:,} |"


def _of_process(name: str, parts: Sequence[Sequence[Sample]]) -> Iterable[Growth]:
    held = [[sample.processes.get(name) for sample in part] for part in parts]
    yield Growth(name, "memory, MB", [_median([h and h.rss_bytes for h in part], MB) for part in held])
    yield Growth(name, "files", [_median([h and h.files for h in part], 1) for part in held])


def _median(values: Sequence[float | None], scale: int) -> float | None:
    known = [value / scale for value in values if value is not None]
    return median(known) if known and 2 * len(known) >= len(values) else None
