"""`hubbub pools`: which pools a deployment has."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from common.commands import RedisOption
from common.errors import HubbubError
from common.settings import settings_for
from common.streams.client import PASSING, Client, connect
from common.streams.deployment import disable_pool, disabled_pools, enable_pool
from common.streams.reports import read_reports
from common.topology import ON_DEMAND, OPTIONAL, POOLS

pools = typer.Typer(help="Which pools this deployment has.", no_args_is_help=True)
PoolArgument = Annotated[str, typer.Argument(help=f"One of {', '.join((*OPTIONAL, *ON_DEMAND))}.")]
T = TypeVar("T")


@pools.command(name="list")
def list_(redis: RedisOption = None) -> None:
    """Show them, and which are disabled."""
    disabled = _run(redis, disabled_pools)
    for pool in (*POOLS, *ON_DEMAND):
        typer.echo(f"{pool}  disabled" if pool in disabled else pool)


@pools.command()
def disable(pool: PoolArgument, redis: RedisOption = None) -> None:
    """Do without a pool: nothing is kept for it any more. Its processes must have ended."""
    _run(redis, lambda client: _disable(client, pool))


@pools.command()
def enable(pool: PoolArgument, redis: RedisOption = None) -> None:
    """Have a pool again; it begins with what comes from now on."""
    _run(redis, lambda client: enable_pool(client, pool))


async def _disable(redis: Client, pool: str) -> None:
    alive = [report.member for report in await read_reports(redis) if report.pool == pool]
    if alive:
        raise HubbubError(f"{pool} has {len(alive)} processes: stop them first ({', '.join(alive)})")
    await disable_pool(redis, pool)


def _run(url: str | None, do: Callable[[Client], Awaitable[T]]) -> T:
    async def run() -> T:
        redis = connect(settings_for(url).redis, timeout_s=5)
        try:
            return await do(redis)
        except PASSING as error:
            raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
        finally:
            await redis.aclose()

    return asyncio.run(run())
