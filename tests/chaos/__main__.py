"""`python -m tests.chaos`: break a whole system on purpose, by seed, and compare with an undisturbed one.

A seed that fails is run again by `--seeds N`.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from itertools import chain
from pathlib import Path

from tests.chaos.memory import memory_table
from tests.chaos.run import Load, Report
from tests.chaos.series import able_kinds, audio_of, disturbed, undisturbed
from tests.chaos.system import System, be_polite, running
from tests.chaos.table import Line, line_of, read_lines, show, table
from tests.chaos.verdict import Outcome


def main() -> int:
    """Run the seeds; 0 where every run came out as the undisturbed one."""
    options = _parse()
    if options.table:
        _print_tables([line for name in options.table for line in read_lines(Path(name))])
        return 0
    be_polite()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="hubbub-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(until_told(_series(options, folder)))


async def until_told(work: Coroutine[None, None, int]) -> int:
    """SIGTERM ends it as Ctrl-C does: nothing that was started is left."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", default="0:20", help="such as 7, or 0:20 (without 20), or 7,0:20")
    parser.add_argument("--undisturbed", type=int, default=2, help="undisturbed runs to compare first")
    parser.add_argument("--meetings", type=int, default=2, help="meetings at once in a run")
    parser.add_argument("--speed", type=float, default=3.0, help="how much faster than real time")
    parser.add_argument("--faults", default="", help="only these kinds, with commas between them")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="begin no run after so long")
    parser.add_argument("--out", default="", help="append a JSON line a run to this file")
    parser.add_argument("--table", nargs="*", help="print the table of such files, and run nothing")
    parser.add_argument("--keep", default="", help="a folder for the logs of all processes")
    return parser.parse_args()


async def _series(options: argparse.Namespace, folder: Path) -> int:
    load = audio_of(folder, meetings=options.meetings, speed=options.speed)
    async with running(folder) as system:
        whole, calm = await undisturbed(system, load, options.undisturbed)
        _tell_undisturbed(calm)
        reports = await _seeds(options, system, load, whole)
    _print_tables([line_of(report) for report in reports])
    return 0 if all(report.faultless for report in reports) else 1


async def _seeds(options: argparse.Namespace, system: System, load: Load, whole: Outcome) -> list[Report]:
    ends = time.monotonic() + options.minutes * 60
    reports: list[Report] = []
    for seed in chain.from_iterable(map(_range, options.seeds.split(","))):
        if time.monotonic() > ends:
            break
        reports.append(await disturbed(system, load, seed, whole, kinds=able_kinds(options.faults)))
        print(*show(reports[-1]), sep="\n", flush=True)
        if options.out:
            _record(reports[-1], Path(options.out))
    return reports


def _range(named: str) -> range:
    first, _, end = named.partition(":")
    return range(int(first), int(end or int(first) + 1))


def _record(report: Report, path: Path) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line_of(report)) + "\n")


def _print_tables(lines: list[Line]) -> None:
    print(table(lines), memory_table(lines), sep="\n\n")


def _tell_undisturbed(reports: list[Report]) -> None:
    verdicts = [verdict for report in reports for verdict in report.verdicts]
    differing = sum(not verdict.faultless for verdict in verdicts)
    print(f"undisturbed: {len(verdicts)} meetings, {differing} differ from the first", flush=True)
    for trouble in (trouble for report in reports for trouble in report.troubles()):
        print(f"    {trouble}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
