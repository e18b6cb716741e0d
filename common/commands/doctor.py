"""`hubbub doctor`: whether this machine is fit."""

import asyncio

import typer
from rich.console import Console

from common.checks import run_checks
from common.commands import RedisOption
from common.settings import settings_for


def doctor(redis: RedisOption = None) -> None:
    """Check the machine, Redis and the models, and say what to do."""
    console = Console()
    checks = asyncio.run(run_checks(settings_for(redis)))
    for check in checks:
        mark = "[green]ok [/]" if check.good else "[red]no [/]"
        console.print(mark, f"{check.name:12}", check.found, highlight=False, soft_wrap=True)
        if not check.good:
            console.print(f"    {check.advice}", style="yellow", highlight=False, markup=False)
    raise typer.Exit(0 if all(check.good for check in checks) else 1)
