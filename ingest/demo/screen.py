"""Where the demo is seen: redrawn on a terminal, or as plain lines where that is not possible."""

import time
from collections.abc import Mapping
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from common.results import Result
from ingest.demo.board import Board
from ingest.demo.plain import PlainLines
from ingest.demo.render import Progress, final_line, loading, panel


class Screen(Protocol):
    """What the demo tells a person, in this order: loading, serving, results and progress, stopping."""

    def __enter__(self) -> Self:
        """Begin to draw."""

    def __exit__(self, *error: object) -> None:
        """Leave the terminal as it was."""

    def loading(self, pools: Mapping[str, bool]) -> None:
        """Which pools are ready; called again and again."""

    def serving(self, page_url: str) -> None:
        """Everything is ready."""

    def show(self, result: Result, board: Board) -> None:
        """A result came, and the board knows it already."""

    def progress(self, board: Board, progress: Progress) -> None:
        """Time goes by; called several times a second."""

    def stopping(self) -> None:
        """The meeting is over, and the system drains."""


class LiveScreen:
    """Captions scroll by; what still changes is redrawn below them."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._began = time.monotonic()
        self._page_url = ""

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def loading(self, pools: Mapping[str, bool]) -> None:
        """See Screen."""
        self._draw(loading(pools, time.monotonic() - self._began))

    def serving(self, page_url: str) -> None:
        """See Screen."""
        self._page_url = page_url

    def show(self, result: Result, board: Board) -> None:
        """Print what stays above what is redrawn."""
        caption = board.settled_by(result)
        if caption is not None and caption.text:
            self._live.console.print(final_line(caption, board))

    def progress(self, board: Board, progress: Progress) -> None:
        """See Screen."""
        self._draw(panel(board, progress, self._page_url))

    def stopping(self) -> None:
        """See Screen."""
        self._draw(Text("stopping …", style="dim"))

    def _draw(self, view: RenderableType) -> None:
        self._live.update(view, refresh=True)


class PlainScreen:
    """One line after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = PlainLines()
        self._ready: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def loading(self, pools: Mapping[str, bool]) -> None:
        """Say each pool once."""
        for pool, ready in pools.items():
            if ready and pool not in self._ready:
                self._ready.add(pool)
                self._print(f"ready: {pool}")

    def serving(self, page_url: str) -> None:
        """See Screen."""
        self._print(f"The meeting begins. See it in a browser, too: {page_url}")

    def show(self, result: Result, board: Board) -> None:
        """See Screen."""
        line = self._lines.line(result)
        if line is not None:
            self._print(line)

    def progress(self, board: Board, progress: Progress) -> None:
        """Nothing to redraw."""

    def stopping(self) -> None:
        """See Screen."""
        self._print("stopping")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def screen_for(console: Console) -> Screen:
    """The best that a console can do."""
    redraws = console.is_terminal and not console.is_dumb_terminal
    return LiveScreen(console) if redraws else PlainScreen(console)
