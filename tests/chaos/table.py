"""What came of many runs, from the lines that they were recorded as."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.faults import KINDS
from tests.chaos.run import Report

_TROUBLES = ("lost", "doubled", "disordered", "different", "left over", "fallen")
Line = dict[str, Any]


def line_of(report: Report) -> Line:
    """A run as JSON."""
    return {
        "seed": report.seed,
        "ok": report.faultless,
        "took_s": report.took_s,
        "memory_mb": report.memory_mb,
        "faults": [asdict(fault) for fault in report.faults],
        "troubles": report.troubles(),
    }


def read_lines(path: Path) -> list[Line]:
    """Runs that were recorded in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def show(report: Report) -> Iterable[str]:
    """A run in words: its seed, its faults, and every difference."""
    state = "as undisturbed" if report.faultless else "NOT as undisturbed"
    yield f"seed {report.seed}: {state}, {report.took_s} s: {'; '.join(map(str, report.faults))}"
    yield from (f"    {trouble}" for trouble in report.troubles())


def table(lines: Sequence[Line]) -> str:
    """By kind of fault, how many runs had it, and what became of them."""
    rows = [_row(kind, [line for line in lines if _has(line, kind)]) for kind in KINDS]
    head = ["| fault | runs with it | " + " | ".join(_TROUBLES) + " |", "|---" + "|---:" * 7 + "|"]
    return "\n".join([*head, *rows, _row("**all**", lines)])


def _has(line: Line, kind: str) -> bool:
    return any(fault["kind"] == kind for fault in line["faults"])


def _row(name: str, lines: Sequence[Line]) -> str:
    found = Counter(kind for line in lines for kind in _troubles(line))
    cells = [name, len(lines), *(found[kind] for kind in _TROUBLES)]
    return f"| {' | '.join(map(str, cells))} |"


def _troubles(line: Line) -> set[str]:
    return {trouble.split(":", 1)[0] for trouble in line["troubles"]}
