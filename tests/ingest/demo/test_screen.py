import io

import pytest
from results_of_a_meeting import BOB, felt, heard, keyword, said, small_meeting, status
from rich.console import Console

from ingest.demo.board import Board
from ingest.demo.render import Progress, panel, partial_line, summary_view
from ingest.demo.screen import screen_for
from ingest.demo.summary import summarise

MEETING_OF_RESULTS = (
    heard("a"),
    said("a", "next [red]slide", "partial", stable="next", end_ms=500),
    said("a", "next slide ple", "partial", stable="next slide", end_ms=900),
    keyword("next slide", latency_ms=120),
    said("a", "Next slide, please.", end_ms=2_000),
    said("b", "I will", "partial", speaker=BOB, start_ms=3_000, end_ms=3_500),
    said("b", "I will follow", "partial", speaker=BOB, start_ms=3_000, end_ms=4_600),
    felt(0.6),
    said("b", "", "lost", speaker=BOB, start_ms=3_000, end_ms=5_000),
    status("gap", start_ms=5_000, end_ms=6_000, reason="full"),
)

PLAIN_LINES = [
    "ready: vad",
    "ready: emitter",
    "The meeting begins. See it in a browser, too: http://page",
    "00:00 … Ann: next [red]slide",
    "00:00 * next slide (meeting), after 120 ms",
    "00:00   Ann: Next slide, please.",
    "00:03 … Bob: I will",
    "00:00 ~ Ann is upbeat, polarity +0.60",
    "00:03   Bob:  [lost]",
    "00:05 ! audio is missing until 00:06: full",
    "stopping",
]


def shown_on(console):
    board = Board()
    with screen_for(console) as screen:
        screen.loading({"vad": True, "emitter": False})
        screen.loading({"vad": True, "emitter": True})
        screen.serving("http://page")
        for result in MEETING_OF_RESULTS:
            board.take(result)
            screen.show(result, board)
            screen.progress(board, Progress(1_000, 6_000))
        screen.stopping()
    return console.file.getvalue()


def test_a_pipe_gets_plain_lines_and_few_partials():
    assert shown_on(Console(file=io.StringIO(), width=40)).splitlines() == PLAIN_LINES


def test_a_dumb_terminal_gets_the_same_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    dumb = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    assert shown_on(dumb).splitlines() == PLAIN_LINES


def test_a_terminal_keeps_finals_and_leaves_nothing_redrawn_behind(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    written = shown_on(Console(file=io.StringIO(), force_terminal=True, width=100, height=30))
    assert "Next slide, please." in written
    assert "http://page" in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def plain(view):
    console = Console(file=io.StringIO(), width=160)
    console.print(view)
    return console.file.getvalue()


def test_the_panel_shows_what_forms_keywords_moods_and_latencies():
    board = Board()
    for result in MEETING_OF_RESULTS[:8]:
        board.take(result)
    shown = plain(panel(board, Progress(61_000, 110_000), "http://page"))
    assert "Bob  I will follow" in shown
    assert "00:00 next slide" in shown
    assert "━━━━━" in shown
    assert "keyword 120 ms" in shown
    assert "01:01 / 01:50" in shown


@pytest.mark.parametrize(("stable", "bright"), [("next", "next"), ("other", "")])
def test_only_the_part_of_a_partial_that_may_change_is_dim(stable, bright):
    board = Board()
    board.take(said("a", "next slide", "partial", stable=stable))
    text = partial_line(board.captions["a"], board)
    dim = [text.plain[span.start : span.end] for span in text.spans if "italic" in str(span.style)]
    assert dim == ["next slide".removeprefix(bright)]


def test_the_summary_shows_counts_latencies_and_talk():
    board = Board()
    for result in MEETING_OF_RESULTS:
        board.take(result)
    shown = plain(summary_view(summarise(board, small_meeting(), 0.5)))
    for part in (
        "2 utterances",
        "1 final,",
        "3 of the 7 words",
        "1 of 2 key phrases",
        "50.0%",
        "end of phrase to keyword",
    ):
        assert part in shown
