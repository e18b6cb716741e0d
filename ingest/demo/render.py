"""How a board and a summary look on a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from common.identity import Speaker
from common.results import Keyword, Mood
from ingest.demo.board import Board, Caption
from ingest.demo.summary import Percentiles, Summary, clock_time, percentile

LEVELS = ("full", "relaxed", "finals only", "keywords only", "recording only")
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")
_BAR = 8
_SHOWN_KEYWORDS = 6
_RECENT = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the meeting was played."""

    position_ms: int
    duration_ms: int


def loading(pools: Mapping[str, bool], elapsed_s: float) -> RenderableType:
    """Which pools are ready while the models load."""
    text = Text(f"starting  {elapsed_s:4.1f} s  ")
    for pool, ready in pools.items():
        text.append(f"{'✓' if ready else '·'}\N{NO-BREAK SPACE}{pool}  ", style="green" if ready else "dim")
    return text


def final_line(caption: Caption, board: Board) -> Text:
    """A caption that stays."""
    text = _name(caption, board)
    text.append(caption.text)
    if caption.status != "final":
        text.append(f" [{caption.status}]", style="red")
    return text


def partial_line(caption: Caption, board: Board) -> Text:
    """A caption that forms: what will not change is bright, the rest is dim."""
    stable = caption.stable if caption.text.startswith(caption.stable) else ""
    text = _name(caption, board)
    text.append(stable)
    text.append(caption.text[len(stable) :], style="dim italic")
    return text


def panel(board: Board, progress: Progress, page_url: str) -> RenderableType:
    """What is redrawn below the captions."""
    forming = [partial_line(caption, board) for caption in board.forming if caption.text]
    return Group(
        *forming,
        Rule(style="dim"),
        _keywords(board.keywords[-_SHOWN_KEYWORDS:]),
        _moods(board),
        _latencies(board),
        _service(board, page_url),
        _position(board, progress),
    )


def summary_view(summary: Summary) -> RenderableType:
    """The end of the demo."""
    return Group(
        Rule("summary"), _counts(summary), _latency_table(summary.latencies), _talk_table(summary), Text()
    )


def mood_bar(mood: Mood) -> Text:
    """Polarity as a bar to the left (unhappy) or to the right (upbeat) of a middle."""
    filled = min(_BAR, round(abs(mood.polarity) * _BAR))
    left = "━" * filled if mood.polarity < 0 else ""
    right = "━" * filled if mood.polarity > 0 else ""
    bar = Text(left.rjust(_BAR), style="red")
    bar.append("│", style="dim")
    bar.append(right.ljust(_BAR), style="green")
    return bar


def _name(caption: Caption, board: Board) -> Text:
    return Text.assemble(
        (f"{clock_time(caption.start_ms)} ", "dim"),
        (f"{caption.speaker.name}  ", f"bold {_colour(caption.speaker, board)}"),
    )


def _colour(speaker: Speaker, board: Board) -> str:
    speakers = board.speakers
    return _COLOURS[speakers.index(speaker) % len(_COLOURS)] if speaker in speakers else "white"


def _keywords(keywords: Sequence[Keyword]) -> Text:
    text = _row("keywords")
    for keyword in keywords:
        text.append(f" {clock_time(keyword.start_ms)} {keyword.phrase} ", style="black on bright_yellow")
        text.append("  ")
    return text


def _moods(board: Board) -> Table:
    cells = [
        Text(f"{speaker.name} ", style=_colour(speaker, board)).append_text(mood_bar(mood))
        for speaker, mood in board.moods.items()
    ]
    grid = Table.grid()
    grid.add_row(_row("mood"), Columns(cells, padding=(0, 3)))
    return grid


def _latencies(board: Board) -> Text:
    text = _row("latency")
    for clock, values in board.latencies.items():
        recent = percentile(values[-_RECENT:], 50)
        text.append(f"{clock.name.lower()} ", style="dim")
        text.append(f"{recent} ms   " if values else "-   ", style="bold")
    return text


def _service(board: Board, page_url: str) -> Text:
    text = _row("service")
    text.append(f"{LEVELS[board.level]}   ", style="green" if board.level == 0 else "red")
    return text.append(page_url, style="underline")


def _row(name: str) -> Text:
    return Text.assemble((name.ljust(10), "dim"), no_wrap=True, overflow="ellipsis")


def _position(board: Board, progress: Progress) -> Table:
    grid = Table.grid(padding=(0, 2))
    played = f"{clock_time(progress.position_ms)} / {clock_time(progress.duration_ms)}"
    bar = ProgressBar(total=progress.duration_ms, completed=progress.position_ms, width=40)
    done = "finishing" if progress.position_ms >= progress.duration_ms and not board.ended else ""
    grid.add_row(Text(played), bar, Text(done, style="dim"))
    return grid


def _counts(summary: Summary) -> Text:
    counts = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in summary.counts.items())
    words, keywords = summary.words, summary.keywords
    return Text(
        f"{counts}\n"
        f"captions have {words.found} of the {words.expected} words spoken\n"
        f"{keywords.found} of {keywords.expected} key phrases were heard\n"
        f"coverage {summary.coverage:.1%}"
    )


def _latency_table(latencies: Sequence[Percentiles]) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("latency, ms")
    for name in ("results", "p50", "p95"):
        table.add_column(name, justify="right")
    for row in latencies:
        figures = (str(row.p50_ms), str(row.p95_ms)) if row.count else ("-", "-")
        table.add_row(row.clock.value, str(row.count), *figures)
    return table


def _talk_table(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("speaker")
    for name in ("utterances", "spoke", "mood"):
        table.add_column(name, justify="right")
    for talk in summary.talk:
        spoke = f"{talk.duration_ms / 1000:.1f} s"
        table.add_row(talk.speaker.name, str(talk.utterances), spoke, f"{talk.polarity:+.2f}")
    return table
