import pytest
from results_of_a_meeting import ANN, BOB, felt, heard, keyword, said, small_meeting, status

from ingest.demo.board import Board, Clock
from ingest.demo.summary import Talk, percentile, summarise

ANN_SAYS = said("a", "Next slide, please.", start_ms=0, end_ms=2_000)
BOB_SAYS = said("b", "I will call up.", speaker=BOB, start_ms=3_000, end_ms=5_000)
END = status("meeting_ended")


def summary_of(*results, coverage=1.0):
    board = Board()
    for result in results:
        board.take(result)
    return summarise(board, small_meeting(), coverage)


def test_a_meeting_captioned_whole_has_no_problems():
    summary = summary_of(
        heard("a"),
        said("a", "next", "partial"),
        keyword("Next slide", start_ms=0, end_ms=900),
        ANN_SAYS,
        heard("b", speaker=BOB),
        BOB_SAYS,
        felt(-0.4),
        END,
    )
    assert summary.problems == ()
    assert summary.counts == {
        "utterance": 2,
        "partial": 1,
        "final": 2,
        "keyword": 1,
        "sentiment": 1,
        "highlight": 0,
    }
    assert (summary.words.found, summary.words.expected) == (6, 7)
    assert (summary.keywords.found, summary.keywords.expected) == (1, 2)
    assert summary.talk == (Talk(ANN, 1, 2_000, -0.4), Talk(BOB, 1, 2_000, 0.0))


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ((ANN_SAYS, BOB_SAYS), "end of the meeting"),
        ((ANN_SAYS, BOB_SAYS, heard("c"), END), "1 of 3 utterances have no final caption"),
        ((ANN_SAYS, BOB_SAYS, said("c", "so", "partial"), END), "1 of 3 utterances have no final caption"),
        ((ANN_SAYS, BOB_SAYS, said("c", "", "deferred"), END), "1 of 3 utterances have no final caption"),
        ((ANN_SAYS, BOB_SAYS, said("c", "", "lost"), END), "1 utterances were lost"),
        ((ANN_SAYS, END), "no caption for Bob at 00:03: I will follow up."),
        ((ANN_SAYS, said("b", "", speaker=BOB, start_ms=3_000, end_ms=5_000), END), "no caption for Bob"),
        (
            (ANN_SAYS, BOB_SAYS, status("gap", start_ms=61_000, end_ms=62_000, reason="full"), END),
            "audio is missing from 01:01 to 01:02: full",
        ),
    ],
)
def test_what_is_missing_is_a_problem(results, problem):
    (found,) = summary_of(*results).problems
    assert problem in found


def test_low_coverage_is_a_problem():
    assert summary_of(ANN_SAYS, BOB_SAYS, END, coverage=0.9).problems == (
        "only 90.0% of the audio reached its final result",
    )


@pytest.mark.parametrize("start_ms", [300, 9_000])
def test_a_key_phrase_at_another_time_does_not_count(start_ms):
    elsewhere = keyword("follow up", speaker=BOB, start_ms=start_ms, end_ms=start_ms + 600)
    assert summary_of(ANN_SAYS, BOB_SAYS, elsewhere, END).keywords.found == 0


@pytest.mark.parametrize(("speaker", "start_ms"), [(ANN, 3_000), (BOB, 5_000), (BOB, 0)])
def test_a_caption_of_somebody_else_or_another_time_is_not_the_turn_s(speaker, start_ms):
    elsewhere = said("b", "I will.", speaker=speaker, start_ms=start_ms, end_ms=start_ms + 1_000)
    (problem,) = summary_of(ANN_SAYS, elsewhere, END).problems
    assert "no caption for Bob" in problem


def test_latencies_have_percentiles_by_clock():
    finals = [said(f"u{i}", "x", latency_ms=i) for i in range(1, 101)]
    rows = {row.clock: row for row in summary_of(*finals).latencies}
    assert (rows[Clock.FINAL].count, rows[Clock.FINAL].p50_ms, rows[Clock.FINAL].p95_ms) == (100, 50, 95)
    assert (rows[Clock.KEYWORD].count, rows[Clock.KEYWORD].p50_ms) == (0, 0)


@pytest.mark.parametrize(("values", "percent", "wanted"), [([7], 95, 7), ([3, 1, 2], 50, 2), ([1, 2], 95, 2)])
def test_percentiles_are_values_that_occurred(values, percent, wanted):
    assert percentile(values, percent) == wanted
