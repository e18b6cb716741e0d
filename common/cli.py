"""The `hubbub` command. Pools and commands of other packages come in by entry points."""

import sys
from importlib.metadata import EntryPoint, entry_points

import typer
from redis.exceptions import NoPermissionError
from rich.console import Console

from common.commands.acl import acl
from common.commands.audit import audit
from common.commands.config import config
from common.commands.dead import dead
from common.commands.doctor import doctor
from common.commands.pools import pools
from common.commands.status import status
from common.commands.tail import tail
from common.commands.token import token
from common.commands.up import up
from common.errors import HubbubError
from common.pool import stage_main
from common.redaction import redacted
from common.service import run_service
from common.settings import load_settings
from common.streams.client import REFUSED
from common.topology import POOLS, STAGES

app = typer.Typer(
    name="hubbub",
    help="Live captions, commands and mood from the audio of many meetings at once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (up, status, tail, doctor, config, audit, acl):
    app.command()(command)
app.add_typer(dead, name="dead")
app.add_typer(pools, name="pools")
app.add_typer(token, name="token")


def run_pool(pool: str) -> None:
    """Run one process of a pool until it is told to stop."""
    settings = load_settings()
    if pool in STAGES:
        main_of_pool = stage_main(pool, _entry("hubbub.stages", pool).load())
    else:
        main_of_pool = _entry("hubbub.services", pool).load()
    raise typer.Exit(run_service(pool, settings, main_of_pool))


def _entry(group: str, name: str) -> EntryPoint:
    found = entry_points(group=group, name=name)
    if not found:
        raise HubbubError(f"this installation has no {name}")
    return next(iter(found))


def _add_pool(pool: str) -> None:
    @app.command(name=pool, help=f"Run one process of the {pool} pool.", rich_help_panel="Pools")
    def _run() -> None:
        run_pool(pool)


for _pool in POOLS:
    _add_pool(_pool)


def _add_commands(called: str) -> None:
    """Commands of other packages; a process of a pool need not import them."""
    for point in entry_points(group="hubbub.commands"):
        if called not in POOLS:
            app.command(name=point.name)(point.load())


def main() -> None:
    """Run the command line; an error of ours is one line and exit status 1."""
    try:
        _add_commands(sys.argv[1] if len(sys.argv) > 1 else "")
        app()
    except HubbubError as error:
        _fail(str(error))
    except NoPermissionError as error:
        _fail(f"Redis: {error}; {REFUSED}")


def _fail(reason: str) -> None:
    Console(stderr=True).print(f"hubbub: {redacted(reason)}", style="red", markup=False, highlight=False)
    sys.exit(1)
