"""`hubbub dead`: entries that no stage could process."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
import typer

from common.commands import RedisOption
from common.commands.token import operator
from common.errors import HubbubError
from common.settings import settings_for
from common.streams.audit import AuditLog
from common.streams.client import PASSING, Client, connect
from common.streams.dead_letters import StoredDeadLetter, drop_dead, list_dead, retry_dead
from common.streams.deployment import shard_count

Deed = Callable[[Client, StoredDeadLetter], Awaitable[str]]

dead = typer.Typer(help="Entries that no stage could process.", no_args_is_help=True)
IdOption = Annotated[str | None, typer.Option("--id", help="Only this one, as SHARD/ID.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Only those that this pool gave up.")]
ErrorOption = Annotated[str | None, typer.Option("--error", help="Only those whose error contains this.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant; all that nothing here excludes."""

    id: str | None
    stage: str | None
    error: str | None

    def includes(self, letter: StoredDeadLetter) -> bool:
        """Whether it is one of them."""
        return (
            self.id in {None, f"{letter.shard}/{letter.id}"}
            and self.stage in {None, letter.stage}
            and (self.error or "") in letter.error
        )


@dead.command(name="list")
def list_(
    which: IdOption = None,
    stage: StageOption = None,
    error: ErrorOption = None,
    as_json: JsonOption = False,  # noqa: FBT002  # a flag of the command line
    redis: RedisOption = None,
) -> None:
    """Show them: shard/id, stage, stream, error."""
    for letter in asyncio.run(_chosen(redis, Choice(which, stage, error))):
        typer.echo(_as_json(letter) if as_json else _as_line(letter))


@dead.command()
def retry(
    which: IdOption = None, stage: StageOption = None, error: ErrorOption = None, redis: RedisOption = None
) -> None:
    """Give them to the stage that gave them up again, and to no other."""
    done = asyncio.run(_each(redis, Choice(which, stage, error), _retry))
    typer.echo(f"{done['OK']} put back")
    if done["TRIMMED"]:
        raise HubbubError(f"{done['TRIMMED']} not: the results they are about are kept no longer")


@dead.command()
def drop(
    which: IdOption = None,
    stage: StageOption = None,
    error: ErrorOption = None,
    yes: YesOption = False,  # noqa: FBT002  # a flag of the command line
    redis: RedisOption = None,
) -> None:
    """Throw them away for good, once confirmed."""
    choice = Choice(which, stage, error)
    if not yes:
        count = len(asyncio.run(_chosen(redis, choice)))
        typer.confirm(f"Throw away {count} for good?", abort=True)
    typer.echo(f"{asyncio.run(_each(redis, choice, _drop))['OK']} thrown away")


async def _retry(redis: Client, letter: StoredDeadLetter) -> str:
    await AuditLog(redis).record(operator(), "dead.retry", subject=f"{letter.shard}/{letter.id}")
    return await retry_dead(redis, letter)


async def _drop(redis: Client, letter: StoredDeadLetter) -> str:
    await AuditLog(redis).record(operator(), "dead.drop", subject=f"{letter.shard}/{letter.id}")
    return await drop_dead(redis, letter)


def _as_line(letter: StoredDeadLetter) -> str:
    return f"{letter.shard}/{letter.id}  {letter.stage}  {letter.stream}  {letter.error}"


def _as_json(letter: StoredDeadLetter) -> str:
    size = sum(len(name) + len(value) for name, value in letter.fields.items())
    return orjson.dumps(
        {
            "id": f"{letter.shard}/{letter.id}",
            "stage": letter.stage,
            "stream": letter.stream,
            "entry": letter.entry,
            "error": letter.error,
            "bytes": size,
        }
    ).decode()


async def _chosen(url: str | None, choice: Choice) -> Sequence[StoredDeadLetter]:
    redis = connect(settings_for(url).redis, timeout_s=5)
    try:
        letters = await list_dead(redis, await shard_count(redis))
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()
    return [letter for letter in letters if choice.includes(letter)]


async def _each(url: str | None, choice: Choice, do: Deed) -> Counter[str]:
    """How often each verdict came."""
    letters = await _chosen(url, choice)
    redis = connect(settings_for(url).redis, timeout_s=5)
    try:
        return Counter([await do(redis, letter) for letter in letters])
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()
