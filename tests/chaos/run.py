"""One run: meetings play while the faults of a seed come over the system, and then a verdict."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.streams.client import check_cancelled
from tests.chaos.faults import CLOCKS, POOL_FAULTS, Fault
from tests.chaos.leftovers import left_over
from tests.chaos.load import meetings_named, outcome, play, until_finished
from tests.chaos.memory import memory_mb
from tests.chaos.system import SHARDS, System
from tests.chaos.verdict import Outcome, Verdict, judge

_FINISHED_WITHIN_S = 120
_CLEAN_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Load:
    """What every run plays."""

    audio: Path
    seconds: float
    meetings: int = 2
    speed: float = 3.0

    @property
    def lasts_s(self) -> float:
        """How long it is played."""
        return self.seconds / self.speed


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run. `fallen`: processes and clients that ended although nobody had ended them."""

    seed: int
    faults: Sequence[Fault]
    verdicts: Sequence[Verdict]
    fallen: Sequence[str]
    memory_mb: Mapping[str, int]
    took_s: float

    @property
    def faultless(self) -> bool:
        """Everything came out as undisturbed, and no process ended that nobody had ended."""
        return all(verdict.faultless for verdict in self.verdicts) and not self.fallen

    def troubles(self) -> list[str]:
        """Every difference, in words."""
        kinds = [
            f"{kind}: {what}"
            for verdict in self.verdicts
            for kind, all_ in verdict.by_kind().items()
            for what in all_
        ]
        return [*(f"fallen: {what}" for what in self.fallen), *kinds]


async def run(
    system: System, load: Load, name: str, faults: Sequence[Fault], *, whole: Outcome | None, seed: int
) -> tuple[Report, list[Outcome]]:
    """Play and disturb; compare with `whole`, or with the first meeting where there is none yet."""
    began = time.monotonic()
    system.fleet.fallen.clear()
    meetings = meetings_named(name, load.meetings)
    async with asyncio.TaskGroup() as group:
        player = group.create_task(play(load.audio, system.ingest_url, meetings, load.speed))
        for number, fault in enumerate(faults):
            group.create_task(inject(system, fault, random.Random(f"{seed}/{number}")))
    await until_finished(system.redis, SHARDS, meetings, _FINISHED_WITHIN_S)
    left = await until_clean(system)
    _calm(system, faults)
    outcomes = [await outcome(system.redis, SHARDS, meeting) for meeting in meetings]
    wholes = whole or outcomes[0]
    verdicts = [judge(wholes, found, left if i == 0 else ()) for i, found in enumerate(outcomes)]
    took_s = round(time.monotonic() - began, 1)
    fallen = [*system.fleet.fallen, *player.result()]
    return Report(seed, faults, verdicts, fallen, await memory_mb(system), took_s), outcomes


async def inject(system: System, fault: Fault, chance: random.Random) -> None:
    """Wait for its moment, and do it."""
    await asyncio.sleep(fault.at_s)
    if fault.kind in POOL_FAULTS:
        await _disturb_pool(system, fault, chance)
    else:
        await _disturb_redis(system, fault)


async def _disturb_pool(system: System, fault: Fault, chance: random.Random) -> None:
    match fault.kind:
        case "kill":
            await system.fleet.kill(fault.pool, chance, fault.lasts_s)
        case "freeze":
            await system.fleet.freeze(fault.pool, chance, fault.lasts_s)
        case "drain":
            await system.fleet.roll(fault.pool, chance)
        case "scale":
            await system.fleet.scale(fault.pool, chance, fault.lasts_s)
        case "clock":
            system.clocks[fault.pool].jump(fault.amount)


async def _disturb_redis(system: System, fault: Fault) -> None:
    match fault.kind:
        case "redis-clock":
            system.clocks["redis"].jump(fault.amount)
        case "redis-kill":
            await system.broker.restart(fault.lasts_s)
        case "redis-pause":
            await system.broker.pause(fault.lasts_s)
        case "redis-full":
            await system.broker.fill(fault.lasts_s)
        case "cut":
            await system.broker.cut()
        case "slow":
            await system.line.slow_down(fault.amount, fault.lasts_s)


async def until_clean(system: System) -> list[str]:
    """Trimming comes once a second, so what is left is looked at until nothing is, or time is up."""
    deadline = time.monotonic() + _CLEAN_WITHIN_S
    left = await left_over(system.redis)
    while left and time.monotonic() < deadline:
        check_cancelled()
        await asyncio.sleep(0.5)
        left = await left_over(system.redis)
    return left


def _calm(system: System, faults: Sequence[Fault]) -> None:
    """Clocks that jumped go back, which is a jump too."""
    for fault in faults:
        if fault.kind in CLOCKS:
            system.clocks[fault.pool or "redis"].jump(0)
