"""`hubbub demo`."""

import asyncio
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from common.commands.up import with_ports
from common.errors import HubbubError
from common.logs import configure_logs
from common.settings import load_settings
from ingest.demo.meeting import load_meeting
from ingest.demo.render import summary_view
from ingest.demo.screen import screen_for
from ingest.demo.show import show
from ingest.demo.summary import Summary

INTERRUPTED = 130
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def demo() -> None:
    """Play a bundled meeting through the whole system, live, and show what comes out."""
    settings = with_ports(load_settings(), 0, 0)
    configure_logs(settings.log, pool="demo")
    console = Console()
    with tempfile.NamedTemporaryFile(prefix="hubbub-demo-", suffix=".log", delete=False) as logs:
        try:
            with screen_for(console) as screen:
                summary = asyncio.run(_until_told(show(settings, load_meeting(), screen, logs.file)))
        except asyncio.CancelledError:
            Path(logs.name).unlink(missing_ok=True)
            console.print("interrupted; everything is stopped")
            raise typer.Exit(INTERRUPTED) from None
        except HubbubError as error:
            raise HubbubError(f"{error}; what the processes said is in {logs.name}") from error
    console.print(summary_view(summary))
    _judge(summary, Path(logs.name))


async def _until_told(showing: Coroutine[Any, Any, Summary]) -> Summary:
    """Let the first signal stop everything in order; more of them would leave processes behind."""
    task = asyncio.ensure_future(showing)

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in STOPPING:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return await task


def _judge(summary: Summary, log: Path) -> None:
    """Raises HubbubError unless the whole meeting was captioned."""
    if summary.problems:
        problems = "; ".join(summary.problems)
        raise HubbubError(f"not all of the meeting was captioned: {problems} (logs: {log})")
    log.unlink(missing_ok=True)
