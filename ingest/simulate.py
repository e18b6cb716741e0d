"""`hubbub simulate`: files as live meetings."""

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from common.errors import HubbubError
from common.settings import Settings, load_settings
from common.tokens import Scope
from ingest.player.play import Pace, Performance, Played
from ingest.player.programme import compose
from ingest.player.recordings import find_clips, load
from ingest.player.wires import WIRES

_STAGGER_S = 0.1

Files = Annotated[
    list[Path], typer.Argument(help="Audio files, folders, or manifests (JSON lines with `file` and `text`).")
]
Meetings = Annotated[
    int, typer.Option(min=1, help="Meetings at once; each plays all files, from another one on.")
]
Format = Annotated[Literal["meetstream", "binary", "json"], typer.Option(help="Wire format.")]
ChunkMs = Annotated[
    int | None,
    typer.Option(min=20, max=1000, help="Length of messages; varying as platforms do if not given."),
]
Speed = Annotated[float, typer.Option(min=0.01, help="2 plays twice as fast.")]
Url = Annotated[str | None, typer.Option(help="Where ingest listens; the configured place if not given.")]
Prefix = Annotated[str | None, typer.Option(help="Meetings are called PREFIX-0, PREFIX-1 …")]
Token = Annotated[
    str | None, typer.Option(help="Token with the scope ingest; a configured one if not given.")
]
PauseMs = Annotated[int, typer.Option(min=0, help="Silence after each file.")]
ApartMs = Annotated[int, typer.Option(min=0, help="So much later each meeting begins than the one before.")]


def simulate(  # noqa: PLR0913  # the options of a command
    files: Files,
    *,
    meetings: Meetings = 1,
    format: Format = "meetstream",  # noqa: A002  # the name of the option
    chunk_ms: ChunkMs = None,
    speed: Speed = 1.0,
    url: Url = None,
    token: Token = None,
    meeting_prefix: Prefix = None,
    pause_ms: PauseMs = 1000,
    apart_ms: ApartMs = 0,
) -> None:
    """Play files as live meetings, over real sockets."""
    wire = WIRES[format]
    programme = compose([load(clip) for clip in find_clips(files)], rate=wire.rate, pause_ms=pause_ms)
    prefix = meeting_prefix or f"sim-{secrets.token_hex(3)}"
    settings, pace = load_settings(), Pace(chunk_ms, speed)
    token = token or ingest_token(settings)
    performances = [
        Performance(programme.rotated(2 * number), wire, f"{prefix}-{number}", pace, token)
        for number in range(meetings)
    ]
    outcomes = asyncio.run(play_all(performances, url or ingest_url(settings), apart_s=apart_ms / 1000))
    _print_summary(outcomes)
    failures = [outcome for outcome in outcomes if isinstance(outcome, HubbubError)]
    if failures:
        raise HubbubError(f"{len(failures)} of {meetings} meetings failed: {failures[0]}")


def ingest_url(settings: Settings) -> str:
    """Where a local ingest listens, as configured."""
    scheme = "ws" if settings.ingest.tls_cert is None else "wss"
    return f"{scheme}://{settings.ingest.host}:{settings.ingest.port}"


def ingest_token(settings: Settings) -> str:
    """The token to send audio with, if one is configured."""
    token = settings.access.token_for(Scope.INGEST)
    return token.token.get_secret_value() if token is not None else ""


async def play_all(
    performances: Sequence[Performance], url: str, *, apart_s: float = 0.0
) -> list[Played | HubbubError]:
    """Play meetings side by side; one that fails leaves the others alone."""
    waits_s = delays_s(len(performances), apart_s)
    playing = (_play_one(p, url, wait_s) for p, wait_s in zip(performances, waits_s, strict=True))
    return list(await asyncio.gather(*playing))


def delays_s(meetings: int, apart_s: float) -> list[float]:
    """When each meeting begins: `apart_s` after the one before, and a little later; none speak in step."""
    return [i * apart_s + i / meetings * _STAGGER_S for i in range(meetings)]


async def _play_one(performance: Performance, url: str, wait_s: float) -> Played | HubbubError:
    await asyncio.sleep(wait_s)
    try:
        return await performance.play(url)
    except HubbubError as error:
        return error


def _print_summary(outcomes: Sequence[Played | HubbubError]) -> None:
    reconnected = any(isinstance(outcome, Played) and outcome.reconnects for outcome in outcomes)
    table = Table("meeting", "seconds", "messages", "acknowledged", "gaps", "late ms")
    if reconnected:
        table.add_column("reconnects")
    for outcome in outcomes:
        if isinstance(outcome, HubbubError):
            table.add_row(str(outcome))
        else:
            table.add_row(
                outcome.meeting,
                f"{outcome.seconds:.1f}",
                str(outcome.messages),
                str(outcome.acknowledged),
                str(outcome.gaps),
                f"{outcome.late_ms:.0f}",
                *([str(outcome.reconnects)] if reconnected else []),
            )
    Console().print(table)
