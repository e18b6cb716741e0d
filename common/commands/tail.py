"""`hubbub tail`: results as they come."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from common.commands import JsonOption, RedisOption
from common.describe import describe
from common.errors import HubbubError, InvalidInput
from common.identity import DEFAULT_TENANT, parse_meeting
from common.results import TYPES, Activity, Highlight, Keyword, Result, Transcript
from common.settings import Settings, settings_for
from common.streams.client import PASSING, check_cancelled, connect
from common.streams.deployment import shard_count
from common.streams.result_log import ResultLog, StoredResult

MeetingOption = Annotated[str | None, typer.Option(help="Only this meeting.")]
TypeOption = Annotated[str | None, typer.Option("--type", help="Only this type, such as transcript.")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="After this entry id; 0 for all that is kept.")
]

_ENTRY_ID = re.compile(r"\d{1,19}(-\d{1,19})?")


def tail(
    *,
    meeting: MeetingOption = None,
    type_name: TypeOption = None,
    as_json: JsonOption = False,
    start: FromOption = None,
    redis: RedisOption = None,
) -> None:
    """Follow results until interrupted."""
    _check(meeting, type_name, start)

    def wanted(result: StoredResult) -> bool:
        return (meeting is None or result.meeting.id == meeting) and type_name in (None, result.type)

    def show(result: StoredResult) -> None:
        if wanted(result):
            typer.echo(result.data.decode() if as_json else _coloured(result.decoded()))

    with suppress(KeyboardInterrupt):
        asyncio.run(_follow(settings_for(redis), start, show))


def _check(meeting: str | None, type_name: str | None, start: str | None) -> None:
    """Raises InvalidInput."""
    if meeting is not None:
        parse_meeting(DEFAULT_TENANT, meeting)
    if type_name is not None and type_name not in TYPES:
        raise InvalidInput(f"type {type_name[:64]!r}: want one of {', '.join(TYPES)}")
    if start is not None and not _ENTRY_ID.fullmatch(start):
        raise InvalidInput(f"entry id {start[:64]!r}: want one such as 1700000000000-0, or 0")


def _coloured(result: Result) -> str:
    """The line of a result: what is final stands out on a terminal, what is not steps back."""
    line = describe(result)
    match result:
        case Transcript(status="final"):
            return typer.style(line, bold=True)
        case Transcript() | Activity():
            return typer.style(line, dim=True)
        case Keyword():
            return typer.style(line, fg="yellow")
        case Highlight():
            return typer.style(line, fg="green")
    return line


async def _follow(settings: Settings, start: str | None, show: Callable[[StoredResult], None]) -> None:
    redis = connect(settings.redis, timeout_s=5)
    try:
        log = ResultLog(redis, await shard_count(redis))
        after = dict.fromkeys(range(log.shards), start) if start is not None else await log.tails()
        while True:
            check_cancelled()
            for result in await log.follow(after):
                show(result)
                after[result.shard] = result.id
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()
