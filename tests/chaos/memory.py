"""What processes and the server hold in memory, run after run."""

from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from tests.chaos.system import System

_MB = 1_000_000


async def memory_mb(system: System) -> Mapping[str, int]:
    """By pool the largest process, by resident memory; and what the server uses for data."""
    held = {pool: max(map(_resident_mb, pids)) for pool, pids in system.fleet.pids().items()}
    used = int((await system.redis.info("memory"))["used_memory"])
    return {**held, "redis": used // _MB}


def memory_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """The largest of the second quarter of the runs beside that of the last quarter.

    Models and caches have grown to their size in the first.
    """
    quarter = len(lines) // 4
    if not quarter:
        return "memory: too few runs to compare"
    head = ["| memory, MB | second quarter of the runs | last quarter |", "|---|---:|---:|"]
    early, late = lines[quarter : 2 * quarter], lines[-quarter:]
    rows = [
        f"| {name} | {_largest(early, name)} | {_largest(late, name)} |" for name in lines[-1]["memory_mb"]
    ]
    return "\n".join([*head, *rows])


def _largest(lines: Sequence[Mapping[str, Any]], name: str) -> int:
    return max(int(line["memory_mb"].get(name, 0)) for line in lines)


def _resident_mb(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss) // _MB
    except psutil.NoSuchProcess:
        return 0
