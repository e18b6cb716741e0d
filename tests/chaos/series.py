"""Runs one after another on one system, each compared with the same undisturbed one."""

import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.clocks import find_library
from tests.chaos.faults import CLOCKS, KINDS, Kind, schedule
from tests.chaos.load import excerpt
from tests.chaos.run import Load, Report, run
from tests.chaos.system import LEASE_S, System
from tests.chaos.verdict import Outcome

_START_S, _END_S, _AFTER_S = 20.0, 31.0, 1.0


def audio_of(folder: Path, *, meetings: int = 2, speed: float = 3.0) -> Load:
    """The end of one utterance and all of another, with two phrases to be spotted."""
    return Load(excerpt(folder, _START_S, _END_S), _END_S - _START_S + _AFTER_S, meetings, speed)


async def undisturbed(system: System, load: Load, count: int) -> tuple[Outcome, list[Report]]:
    """What comes of the load when nothing happens, and how the same again compares with it."""
    report, outcomes = await run(system, load, "calm-0", (), whole=None, seed=0)
    reports = [report]
    for number in range(1, count):
        again, _ = await run(system, load, f"calm-{number}", (), whole=outcomes[0], seed=0)
        reports.append(again)
    return outcomes[0], reports


async def disturbed(
    system: System, load: Load, seed: int, whole: Outcome, *, kinds: Sequence[Kind] = KINDS
) -> Report:
    """The run of a seed."""
    faults = schedule(seed, within_s=load.lasts_s, lease_s=LEASE_S, kinds=kinds)
    name = f"seed-{seed}-{time.monotonic_ns()}"
    report, _ = await run(system, load, name, faults, whole=whole, seed=seed)
    return report


def able_kinds(named: str = "") -> Sequence[Kind]:
    """The faults named, with commas between them, or all; clocks only jump where libfaketime is."""
    wanted = [kind for kind in KINDS if not named or kind in named.split(",")]
    return wanted if find_library() else [kind for kind in wanted if kind not in CLOCKS]
