"""`python -m tests.chaos.soak`: long meetings while faults keep coming, and what everything holds meanwhile.

Each meeting is the bundled one over and over. Its first two rounds are left in peace, and all later
ones must come out as the second did. One process of each pool is never ended, though frozen, cut off
and handed the work of others: what it holds must not grow.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.identity import Meeting
from tests.chaos.__main__ import until_told
from tests.chaos.faults import CLOCKS, Fault, steady
from tests.chaos.growth import growth_table, growths, lag_table
from tests.chaos.load import AFTER_MS, excerpt, meetings_named, outcome, play, until_finished
from tests.chaos.rounds import UNDISTURBED, Rounds, compare_wording, judge_rounds
from tests.chaos.run import inject, until_clean
from tests.chaos.series import able_kinds
from tests.chaos.system import LEASE_S, SHARDS, System, be_polite, running
from tests.chaos.watching import Sample, watch

_ROUND_S = 110
_PERIOD_MS = _ROUND_S * 1000 + AFTER_MS
_CHUNK_MS = 100
"""A round is a whole number of messages: otherwise each is cut elsewhere, and heard a little differently."""
_LOOKS = 200
_LONGEST_BETWEEN_LOOKS_S = 5.0
_SETTLED_S = 10.0
"""After the undisturbed rounds, until all of them has been worked off."""
_FINISHED_WITHIN_S = 600.0
"""A machine that has other work as well may be behind at the end."""


def main() -> int:
    """Print what came of it; 0 where all rounds came out alike and nothing grew."""
    options = _parse()
    be_polite()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="hubbub-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(until_told(_soak(options, folder)))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long each meeting is")
    parser.add_argument("--meetings", type=int, default=1, help="meetings at once")
    parser.add_argument("--speed", type=float, default=3.0, help="how much faster than real time")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between faults, in the mean")
    parser.add_argument("--faults", default="", help='only these kinds, with commas between them, or "none"')
    parser.add_argument("--out", type=Path, help="append a JSON line a look to this file")
    parser.add_argument("--keep", default="", help="a folder for the logs of all processes")
    return parser.parse_args()


async def _soak(options: argparse.Namespace, folder: Path) -> int:
    plan = _plan(options)
    print(plan, flush=True)
    samples: list[Sample] = []
    async with running(folder, jumpy=False) as system:
        for member in system.fleet.members:
            member.spared = member.number == 0
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(system, plan.look_every_s, samples, options.out))
            failed = await _play(system, folder, plan)
            watching.cancel()
        troubles = [*failed, *await _troubles(system, plan)]
    print("", *troubles or ["nothing lost, doubled, out of order, different, left over or fallen"], sep="\n")
    held = growths(samples)
    print("", growth_table(held), "", lag_table(samples), sep="\n")
    return 1 if troubles or any(growth.verdict in {"grows", "unknown"} for growth in held) else 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is played, how fast, and what happens meanwhile."""

    rounds: Rounds
    meetings: Sequence[Meeting]
    speed: float
    seed: int
    faults: Sequence[Fault]

    def __str__(self) -> str:
        kinds = Counter(fault.kind for fault in self.faults)
        return (
            f"{len(self.meetings)} meetings of {self.lasts_s * self.speed / 60:.1f} minutes, "
            f"{self.speed:g} times as fast: {self.lasts_s / 60:.1f} minutes with {len(self.faults)} faults "
            f"({', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'none'})"
        )

    @property
    def lasts_s(self) -> float:
        """How long it is played."""
        return self.rounds.count * self.rounds.period_ms / 1000 / self.speed

    @property
    def look_every_s(self) -> float:
        """Often enough for medians of quarters."""
        return min(_LONGEST_BETWEEN_LOOKS_S, self.lasts_s / _LOOKS)


def _plan(options: argparse.Namespace) -> _Plan:
    count = max(UNDISTURBED + 1, round(options.minutes * 60_000 / _PERIOD_MS))
    # For clocks that jump a library must be preloaded, under which processes are slower by far.
    kinds = [kind for kind in able_kinds(options.faults) if kind not in CLOCKS]
    first_s, last_s = (n * _PERIOD_MS / 1000 / options.speed for n in (UNDISTURBED, count))
    faults = steady(
        options.seed,
        between_s=(first_s + _SETTLED_S, last_s),
        every_s=options.every,
        lease_s=LEASE_S,
        kinds=kinds,
    )
    rounds, meetings = Rounds(count, _PERIOD_MS, AFTER_MS), meetings_named("soak", options.meetings)
    return _Plan(rounds, meetings, options.speed, options.seed, faults)


async def _play(system: System, folder: Path, plan: _Plan) -> list[str]:
    """Play and disturb; returns the clients that gave up."""
    audio = excerpt(folder, 0, _ROUND_S)
    async with asyncio.TaskGroup() as group:
        player = group.create_task(
            play(
                audio,
                system.ingest_url,
                plan.meetings,
                plan.speed,
                times=plan.rounds.count,
                chunk_ms=_CHUNK_MS,
            )
        )
        for number, fault in enumerate(plan.faults):
            group.create_task(inject(system, fault, random.Random(f"{plan.seed}/{number}")))
    return [f"fallen: {what}" for what in player.result()]


async def _troubles(system: System, plan: _Plan) -> list[str]:
    """What is wrong with the system once everything has come to its end."""
    await until_finished(system.redis, SHARDS, plan.meetings, _FINISHED_WITHIN_S)
    found = [f"left over: {what}" for what in await until_clean(system)]
    found += [f"fallen: {what}" for what in system.fleet.fallen]
    for meeting in plan.meetings:
        whole = await outcome(system.redis, SHARDS, meeting)
        print(f"{meeting.id}: {compare_wording(whole, plan.rounds)}", flush=True)
        verdict = judge_rounds(whole, plan.rounds)
        found += [
            f"{meeting.id}: {kind}: {what}" for kind, all_ in verdict.by_kind().items() for what in all_
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
