"""`hubbub dead`: entries that no stage could process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from common.commands import RedisOption
from common.errors import HubbubError
from common.settings import settings_for
from common.streams.client import PASSING, Client, connect
from common.streams.dead_letters import StoredDeadLetter, drop_dead, list_dead, retry_dead
from common.streams.deployment import shard_count

dead = typer.Typer(help="Entries that no stage could process.", no_args_is_help=True)
IdOption = Annotated[str | None, typer.Option("--id", help="Only this one, as SHARD/ID; all without.")]


@dead.command(name="list")
def list_(redis: RedisOption = None) -> None:
    """Show them: shard/id, stage, stream, error."""
    for letter in asyncio.run(_each(redis, None, None)):
        typer.echo(f"{letter.shard}/{letter.id}  {letter.stage}  {letter.stream}  {letter.error}")


@dead.command()
def retry(which: IdOption = None, redis: RedisOption = None) -> None:
    """Put them back on the stream they came from."""
    typer.echo(f"{len(asyncio.run(_each(redis, which, retry_dead)))} put back")


@dead.command()
def drop(which: IdOption = None, redis: RedisOption = None) -> None:
    """Throw them away for good."""
    typer.echo(f"{len(asyncio.run(_each(redis, which, drop_dead)))} thrown away")


async def _each(
    url: str | None, which: str | None, do: Callable[[Client, StoredDeadLetter], Awaitable[None]] | None
) -> list[StoredDeadLetter]:
    redis = connect(settings_for(url).redis, timeout_s=5)
    try:
        letters = await list_dead(redis, await shard_count(redis))
        chosen = [letter for letter in letters if which in (None, f"{letter.shard}/{letter.id}")]
        for letter in chosen if do else ():
            await do(redis, letter)  # type: ignore[misc]  # checked above
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()
    return chosen
