"""How many processes, shards and Redis nodes so many meetings take.

    python -m benchmarks.costs --audio AUDIO.wav --json costs.json
    python -m benchmarks.capacity --costs costs.json --meetings 10 1000 100000 --talk 0.8
    python -m benchmarks.capacity --costs costs.json --check live.json --processors 2

How many meetings one emitter process holds is simulated at a service level: partials and finals as
often as the settings in force ask for them, the queue of windows, batches as they were measured.
Whoever measured on other hardware, or wants to know what a faster engine changes, edits the file.
`--check` simulates what `benchmarks.live` measured, on one machine whose processors all pools
share, at the level that was reached, and prints both.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.capacity_model import Costs, Demand, Limits, Plan, Share, plan
from benchmarks.capacity_queues import Cadence
from benchmarks.capacity_simulation import Promise, Scene, most_meetings, simulate
from common.audio import samples_to_ms
from common.settings import Settings, load_settings
from workers.emitter.utterance import PAUSE

SIMULATED_S = 60
CLOCKS = ("word", "partial", "final")
SUPERSEDED = (0.5, 0.8, 0.0)
"""By level: at full service a partial may come at half the pace, at the next one at a fifth."""
NEVER_MS = 1e12


@dataclass(frozen=True)
class Compared:
    """p50 and p95 of a clock in ms."""

    meetings: int
    level: int
    clock: str
    predicted_ms: tuple[float, float]
    measured_ms: tuple[float, ...]


def scene(settings: Settings, *, level: int, talk: float, processors: float) -> Scene:
    """What the emitter aims at, at a service level: partials, finals, and drafts of them."""
    emitter = settings.emitter
    every_ms = (emitter.partial_ms, 2 * emitter.partial_ms)[level] if level < 2 else NEVER_MS
    return Scene(
        meetings=1,
        seconds=SIMULATED_S,
        talk=talk,
        finals="final" if level == 0 else "quick",
        endpoint_ms=settings.vad.endpoint_ms,
        draft_ms=samples_to_ms(PAUSE) if emitter.drafts and level == 0 else 0,
        cadence=Cadence(settings.asr.first_partial_ms, every_ms, emitter.max_batch),
        processors=processors,
    )


def plans(costs: Costs, options: argparse.Namespace, settings: Settings) -> Iterable[Plan]:
    aim = scene(settings, level=options.level, talk=min(1.0, options.talk), processors=0)
    promise = Promise(options.partial_ms, aim.endpoint_ms + options.final_ms, SUPERSEDED[options.level])
    holds = options.emitter_holds or most_meetings(costs, aim, promise)
    print(f"an emitter process holds {holds} meetings at level {options.level}\n")
    # An emitter that cannot hold even one meeting still has one: it reduces its service.
    for meetings in options.meetings:
        demand = Demand(meetings, options.talk, options.kept_hours)
        yield plan(costs, demand, Limits(), emitter_meetings=max(1, holds))


def print_costs(costs: Costs) -> None:
    """At rest, and further for a silent meeting and for one in which somebody speaks all the time."""
    print(f"{'':28}{'at rest':>13}{'silent':>13}{'speaking':>13}")
    for pool, share in costs.processors.items():
        print_share(f"{pool}, % of a processor", share, 100)
    print_share("Redis, % of a processor", costs.redis.processors, 100)
    print_share("Redis, commands/s", costs.redis.commands, 1)
    print_share("Redis, KB/s in", costs.redis.in_bytes, 1e-3)
    print_share("Redis, KB/s out", costs.redis.out_bytes, 1e-3)
    print_share("results, KB/s", costs.redis.result_bytes, 1e-3)
    for pool, share in costs.memory_mb.items():
        print_share(f"{pool}, MB", share, 1)
    lines = (f"{kind} {line.first_ms:.0f} + {line.further_ms:.0f}" for kind, line in costs.batches.items())
    print(f"batches, ms: {', '.join(lines)}; transit {costs.transit_ms:.0f} ms\n")


def print_share(name: str, share: Share, unit: float) -> None:
    values = (share.idle, share.silent, share.speaking)
    print(f"{name:28}" + "".join(f"{value * unit:13.2f}" for value in values))


def print_plans(found: Sequence[Plan]) -> None:
    print(f"{'':24}" + "".join(f"{one.demand.meetings:>14,}" for one in found) + "  meetings")
    for pool in found[0].processes:
        print(f"{pool + ' processes':24}" + "".join(f"{one.processes[pool]:14,}" for one in found))
    rows = {
        "crowded there by chance": [f"{100 * one.crowded:.0f} %" for one in found],
        "processors": [f"{one.processors:,.1f}" for one in found],
        "memory of processes, GB": [f"{one.memory_gb:,.1f}" for one in found],
        "shards": [f"{one.shards:,}" for one in found],
        "Redis nodes": [f"{one.redis.nodes:,}" for one in found],
    }
    for name in ("processors", "commands", "network", "memory"):
        rows[f"  by {name}"] = [f"{getattr(one.redis, name):,.2f}" for one in found]
    for name, values in rows.items():
        print(f"{name:24}" + "".join(f"{value:>14}" for value in values))


def check(costs: Costs, measured: Iterable[Mapping[str, Any]], processors: float) -> list[Compared]:
    """Each measured number of meetings, at the level that it reached."""
    compared = []
    for row in measured:
        aim = scene(load_settings(), level=row["level"], talk=1.0, processors=processors)
        found = simulate(costs, replace(aim, meetings=row["meetings"], in_step=True)).percentiles()
        latency = row["latency"]
        compared += [
            Compared(row["meetings"], row["level"], clock, found[clock], tuple(latency[clock][:2]))
            for clock in CLOCKS
        ]
    return compared


def print_check(rows: Iterable[Compared]) -> None:
    print(
        f"{'meetings':>8}{'level':>6}{'clock':>9}{'predicted p50/p95':>20}{'measured p50/p95':>20}   ratios"
    )
    for row in rows:
        predicted, measured = (f"{p50:.0f}/{p95:.0f}" for p50, p95 in (row.predicted_ms, row.measured_ms))
        pairs = zip(row.predicted_ms, row.measured_ms, strict=True)
        ratios = " ".join(f"{one / other:.2f}" for one, other in pairs)
        print(f"{row.meetings:8}{row.level:6}{row.clock:>9}{predicted:>20}{measured:>20}   {ratios}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--costs", type=Path, required=True, help="the JSON of benchmarks.costs")
    parser.add_argument("--meetings", type=int, nargs="+", default=[10, 1000, 100_000])
    parser.add_argument("--talk", type=float, default=0.8, help="voices that speak at once, a meeting")
    parser.add_argument("--kept-hours", type=float, default=24, help="how long results are kept")
    parser.add_argument("--partial-ms", type=float, default=800, help="p95 of partials that an emitter holds")
    parser.add_argument(
        "--final-ms",
        type=float,
        default=1000,
        help="p95 of finals, beyond the silence that ends an utterance",
    )
    parser.add_argument("--level", type=int, choices=[0, 1, 2], default=0, help="service to plan for")
    parser.add_argument("--emitter-holds", type=int, help="meetings a process; else they are simulated")
    parser.add_argument("--check", type=Path, help="the JSON of benchmarks.live, to compare with")
    parser.add_argument("--processors", type=float, default=2, help="of the machine that measured it")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    data = json.loads(options.costs.read_text())
    costs = Costs.read(data)
    print(f"costs of {options.costs.name}, measured on: {data['machine']}\n")
    if options.check:
        rows = check(costs, json.loads(options.check.read_text()), options.processors)
        print_check(rows)
        report = [*map(asdict, rows)]
    else:
        print_costs(costs)
        found = list(plans(costs, options, load_settings()))
        print_plans(found)
        report = [*map(asdict, found)]
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
