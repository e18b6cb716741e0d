from results_of_a_meeting import ANN, BOB, felt, heard, keyword, said, status

from ingest.demo.board import Board, Clock


def board_after(*results):
    board = Board()
    for result in results:
        board.take(result)
    return board


def test_a_caption_forms_and_settles():
    board = board_after(
        heard("a"), said("a", "next", "partial"), said("a", "next slide", "partial", stable="next")
    )
    assert [(c.text, c.stable) for c in board.forming] == [("next slide", "next")]
    assert board.unsettled == {"a"}
    board.take(said("a", "Next slide."))
    assert board.forming == []
    assert board.unsettled == set()
    assert board.captions["a"].text == "Next slide."


def test_a_late_partial_does_not_undo_a_final():
    board = board_after(said("a", "Next slide."), said("a", "next", "partial"))
    assert board.captions["a"].text == "Next slide."
    assert board.latencies[Clock.PARTIAL] == []


def test_what_was_heard_but_never_transcribed_is_unsettled():
    board = board_after(heard("a"), heard("b"), heard("b", "silent"), said("a", "Yes."))
    assert board.unsettled == {"b"}


def test_a_deferred_utterance_is_unsettled_until_its_final():
    board = board_after(said("a", "", "deferred", level=3))
    assert board.unsettled == {"a"}
    assert board.level == 3
    board.take(said("a", "Yes.", backfilled=True))
    assert board.unsettled == set()


def test_forming_captions_are_in_the_order_of_speech():
    board = board_after(
        said("b", "two", "partial", speaker=BOB, start_ms=2_000),
        said("a", "one", "partial", start_ms=1_000),
    )
    assert [caption.utterance for caption in board.forming] == ["a", "b"]


def test_latencies_go_to_their_clocks_and_backfilled_finals_to_none():
    board = board_after(
        heard("a", latency_ms=1),
        said("a", "x", "partial", latency_ms=2),
        said("a", "x", latency_ms=3),
        said("b", "x", backfilled=True, latency_ms=90_000),
        keyword("next slide", latency_ms=4),
    )
    assert board.latencies == {
        Clock.ACTIVITY: [1],
        Clock.PARTIAL: [2],
        Clock.FINAL: [3],
        Clock.KEYWORD: [4],
    }


def test_moods_are_of_speakers_and_the_last_counts():
    board = board_after(felt(0.5), felt(-0.5, speaker=BOB), felt(0.8))
    assert {speaker: mood.polarity for speaker, mood in board.moods.items()} == {ANN: 0.8, BOB: -0.5}


def test_status_results_change_level_gaps_and_the_end():
    gap = status("gap", reason="no audio came")
    board = board_after(status("level_changed", level=2), gap, status("meeting_ended"))
    assert (board.level, board.gaps, board.ended) == (2, [gap], True)
