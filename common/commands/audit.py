"""`hubbub audit`: what was administered, by whom and when."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer

from common.commands import JsonOption, RedisOption
from common.errors import HubbubError
from common.identity import DEFAULT_TENANT, parse_meeting
from common.settings import settings_for
from common.streams.audit import AuditEntry, AuditLog, traceless
from common.streams.client import PASSING, connect

MeetingOption = Annotated[str | None, typer.Option(help="Only this meeting, which may be deleted by now.")]
TenantOption = Annotated[str, typer.Option(help="The tenant of that meeting.")]


def audit(
    *,
    meeting: MeetingOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
    redis: RedisOption = None,
) -> None:
    """Show administrative actions, oldest first: tokens, deletions, dead letters, webhooks."""
    subject = None if meeting is None else traceless(parse_meeting(tenant, meeting))
    for entry in asyncio.run(_read(redis)):
        if subject in (None, entry.subject):
            typer.echo(orjson.dumps(asdict(entry)).decode() if as_json else _line(entry))


async def _read(url: str | None) -> list[AuditEntry]:
    redis = connect(settings_for(url).redis, timeout_s=5)
    try:
        return [entry async for entry in AuditLog(redis).entries()]
    except PASSING as error:
        raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
    finally:
        await redis.aclose()


def _line(entry: AuditEntry) -> str:
    at = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(timespec="seconds")
    return f"{at}  {entry.actor}  {entry.action}  {entry.subject}"
