"""`hubbub status`: who owns what, and how far behind each pool is."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

import orjson
import typer
from rich.console import Console
from rich.table import Table

from common.commands import JsonOption, RedisOption
from common.errors import HubbubError
from common.service_level import ServiceLevel
from common.settings import Settings, settings_for
from common.stage import ON_REQUEST, Stream
from common.streams.client import PASSING, connect
from common.streams.overview import GroupState, Overview, read_overview
from common.streams.shortfall import Shortfall
from common.topology import LODGERS, POOLS


def status(*, as_json: JsonOption = False, redis: RedisOption = None) -> None:
    """Show shards, owners, lag, pending age, memory and CPU per process."""
    overview = asyncio.run(_read(settings_for(redis)))
    if as_json:
        typer.echo(orjson.dumps(asdict(overview), option=orjson.OPT_NON_STR_KEYS).decode())
    else:
        _show(overview, Console())


async def _read(settings: Settings) -> Overview:
    redis = connect(settings.redis, timeout_s=5)
    try:
        return await read_overview(redis)
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()


def _show(overview: Overview, console: Console) -> None:
    table = Table(title=f"{overview.shards} shards, Redis holds {overview.redis_bytes / 1e6:.1f} MB")
    for name in ("pool", "alive", "shards", "lag", "pending", "oldest", "CPU s", "MB"):
        table.add_column(name, justify="left" if name == "pool" else "right")
    for pool in POOLS:
        table.add_row(pool, *_row(overview, pool))
        for stage in LODGERS.get(pool, ()):
            table.add_row(f"  {stage}", *_lodger_row(overview, stage))
    console.print(table)
    console.print(_service(overview))
    console.print(_missing(overview.live))
    if overview.dead_letters:
        console.print(f"{_counted(overview.dead_letters, 'dead letter')}: see hubbub dead list", style="red")


def _row(overview: Overview, pool: str) -> Sequence[str]:
    # Of results, some stay pending for good reason: what moods and baselines rest on.
    processes = [process for process in overview.processes if process.pool == pool]
    groups = [g for g in overview.groups if g.pool == pool and g.stream not in (Stream.RESULTS, *ON_REQUEST)]
    return (
        "disabled" if pool in overview.disabled else str(len(processes)),
        f"{len(overview.owners[pool])}" if pool in overview.owners else "",
        *_progress(groups),
        f"{sum(process.cpu_s for process in processes):.1f}",
        f"{sum(process.rss_bytes for process in processes) / 1e6:.0f}",
    )


def _lodger_row(overview: Overview, stage: str) -> Sequence[str]:
    """Of its process it is only a part; how far behind it is, is its own."""
    groups = [group for group in overview.groups if group.pool == stage]
    if stage in overview.disabled:
        return "disabled", "", "", "", "", "", ""
    return "", f"{len(overview.owners[stage])}", *_progress(groups), "", ""


def _progress(groups: Sequence[GroupState]) -> tuple[str, str, str]:
    if not groups:
        return "", "", ""
    return (
        str(sum(group.lag for group in groups)),
        str(sum(group.pending for group in groups)),
        f"{max(group.oldest_ms for group in groups) / 1000:.1f} s",
    )


def _service(overview: Overview) -> str:
    """What meetings get, for how many more there is room, and what waits for quieter times."""
    emitters = [process for process in overview.processes if process.pool == "emitter"]
    if not emitters:
        return "no emitter is alive"
    level = ServiceLevel(max(process.level for process in emitters))
    room = sum(process.headroom for process in emitters)
    deferred = sum(group.lag + group.pending for group in overview.groups if group.stream in ON_REQUEST)
    spare = f"room for {room:.1f} more meetings at" if room >= 0 else f"{-room:.1f} meetings too many for"
    return (
        f"service level {level} ({level.name.lower()}) at worst, {spare} full service, "
        f"{_counted(deferred, 'utterance')} deferred"
    )


def _missing(live: Shortfall) -> str:
    """What the live meetings wait for, and what they will never get."""
    return (
        f"{_counted(live.counted, 'live meeting')}, "
        f"{live.untranscribed_ms / 1000:.1f} s of speech waiting for a final; "
        f"missing: {live.gaps_ms / 1000:.1f} s of gaps, {live.lost_ms / 1000:.1f} s given up"
    )


def _counted(number: int, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{number} {name}s"
