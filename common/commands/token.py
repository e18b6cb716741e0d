"""`hubbub token`: who may send audio, read results and administer, by tenant."""

import asyncio
import getpass
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import orjson
import typer

from common.commands import JsonOption, RedisOption
from common.errors import HubbubError, InvalidInput
from common.identity import DEFAULT_TENANT, parse_tenant
from common.settings import settings_for
from common.streams.audit import AuditLog
from common.streams.client import PASSING, Client, connect
from common.streams.tokens import TokenStore
from common.tokens import Token, parse_scope

token = typer.Typer(help="Who may send audio, read results and administer.", no_args_is_help=True)

T = TypeVar("T")
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

TenantOption = Annotated[str, typer.Option(help="Whose meetings it is for.")]
ScopeOption = Annotated[
    list[str], typer.Option("--scope", help="ingest, read, admin or operate; may be given several times.")
]
ExpiresOption = Annotated[str | None, typer.Option("--expires", help="After which time, such as 90d or 12h.")]
NoteOption = Annotated[str, typer.Option(help="What it is for.")]
MeetingsOption = Annotated[
    int, typer.Option(min=0, help="Meetings heard at once with it; 0: as the settings say.")
]
IdArgument = Annotated[str, typer.Argument(help="As `hubbub token list` shows it.")]


@token.command()
def create(  # noqa: PLR0913  # the options of a command
    *,
    scope: ScopeOption,
    tenant: TenantOption = DEFAULT_TENANT,
    expires: ExpiresOption = None,
    note: NoteOption = "",
    max_meetings: MeetingsOption = 0,
    redis: RedisOption = None,
) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    parse_tenant(tenant)
    scopes = frozenset(map(parse_scope, scope))
    lifetime_s = None if expires is None else parse_duration_s(expires)

    async def make(client: Client) -> tuple[str, Token]:
        text, made = await TokenStore(client).create(
            tenant, scopes, lifetime_s=lifetime_s, note=note, max_meetings=max_meetings
        )
        await AuditLog(client).record(operator(), "token.create", subject=_summary(made))
        return text, made

    text, made = _with_redis(redis, make)
    typer.echo(text)
    typer.echo(f"id {made.id}, {_summary(made)}", err=True)


@token.command(name="list")
def list_(*, as_json: JsonOption = False, redis: RedisOption = None) -> None:
    """Show the tokens that are good, without their texts."""
    for known in _with_redis(redis, lambda client: TokenStore(client).list()):
        typer.echo(orjson.dumps(_public(known)).decode() if as_json else f"{known.id}  {_summary(known)}")


@token.command()
def revoke(token_id: IdArgument, *, redis: RedisOption = None) -> None:
    """Make a token worth nothing; every process heeds it within two seconds."""

    async def end(client: Client) -> bool:
        await AuditLog(client).record(operator(), "token.revoke", subject=token_id)
        return await TokenStore(client).revoke(token_id)

    if not _with_redis(redis, end):
        raise InvalidInput(f"token {token_id!r}: no such token; see hubbub token list")
    typer.echo("revoked")


def parse_duration_s(text: str) -> int:
    """Seconds from `90d`, `12h`, `30m` or `45s`. Raises InvalidInput."""
    count, unit = text[:-1], text[-1:]
    if unit not in UNITS_S or not count.isascii() or not count.isdecimal() or not int(count):
        raise InvalidInput(f"{text[:40]!r}: want a time such as 90d, 12h, 30m or 45s")
    return int(count) * UNITS_S[unit]


def operator() -> str:
    """Who runs this command, for the audit log."""
    return f"cli:{getpass.getuser()}@{socket.gethostname()}"


def _with_redis(url: str | None, do: Callable[[Client], Awaitable[T]]) -> T:
    async def done() -> T:
        redis = connect(settings_for(url).redis, timeout_s=5)
        try:
            return await do(redis)
        except PASSING as error:
            raise HubbubError(f"no Redis: {error}; give --redis or set HUBBUB_REDIS__URL") from error
        finally:
            await redis.aclose()

    return asyncio.run(done())


def _summary(known: Token) -> str:
    until = "for good" if known.expires_at_ms is None else f"until {_day(known.expires_at_ms)}"
    scopes = "+".join(sorted(known.scopes))
    return f"{known.tenant} {scopes} {until}" + (f" ({known.note})" if known.note else "")


def _public(known: Token) -> dict[str, object]:
    return {
        "id": known.id,
        "tenant": known.tenant,
        "scopes": sorted(known.scopes),
        "created_at_ms": known.created_at_ms,
        "expires_at_ms": known.expires_at_ms,
        "note": known.note,
        "max_meetings": known.max_meetings,
    }


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="minutes")
