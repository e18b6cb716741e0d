from workers.vad.segmentation import Piece, Rules, Segmenter

RULES = Rules(unit=100, lag=0, min_speech=300, preroll=500, tail=200, endpoint=1000)


def hear(segmenter: Segmenter, said: str) -> list[Piece]:
    """One unit after the other; `#` is speech."""
    pieces = []
    for unit in said:
        segmenter.hear([unit == "#"])
        pieces.append(segmenter.piece(segmenter.decided))
    return [piece for piece in pieces if piece]


def test_an_utterance_begins_a_preroll_before_its_first_speech() -> None:
    pieces = hear(Segmenter(RULES, 5000), "........###")
    assert pieces == [Piece(5300, 5300, 6100, 6100)]


def test_a_preroll_does_not_reach_behind_the_take() -> None:
    assert hear(Segmenter(RULES, 5000), ".###")[0].start == 5000


def test_less_than_the_least_speech_opens_nothing() -> None:
    assert hear(Segmenter(RULES, 0), "##" + "." * 40 + "##" + "." * 40) == []


def test_each_piece_goes_on_where_the_one_before_ended() -> None:
    pieces = hear(Segmenter(RULES, 0), "######")
    assert [(p.offset, p.end, p.voiced_end) for p in pieces] == [
        (0, 300, 300),
        (300, 400, 400),
        (400, 500, 500),
        (500, 600, 600),
    ]


def test_silence_beyond_the_tail_is_held_back_until_speech_resumes() -> None:
    pieces = hear(Segmenter(RULES, 0), "###.....#")
    assert [(p.offset, p.end) for p in pieces] == [(0, 300), (300, 400), (400, 500), (500, 900)]


def test_an_endpoint_closes_a_tail_behind_the_last_speech() -> None:
    pieces = hear(Segmenter(RULES, 0), "###" + "." * 10)
    assert pieces[-1] == Piece(0, 500, 500, 300, "endpoint")
    assert [p.closed for p in pieces[:-1]] == ["", "", ""]


def test_nothing_is_heard_after_an_endpoint() -> None:
    segmenter = Segmenter(RULES, 0)
    segmenter.hear([True] * 3 + [False] * 10 + [True] * 5)
    assert segmenter.piece(1800) == Piece(0, 0, 500, 300, "endpoint")


def test_closing_from_outside_keeps_what_was_said() -> None:
    segmenter = Segmenter(RULES, 0)
    hear(segmenter, "###")
    segmenter.close("pause")
    assert segmenter.piece(350) == Piece(0, 300, 350, 300, "pause")


def test_closing_before_anything_opened_closes_nothing() -> None:
    segmenter = Segmenter(RULES, 0)
    hear(segmenter, "##")
    segmenter.close("end")
    assert segmenter.piece(200) is None


def test_decisions_that_come_late_are_dated_back() -> None:
    late = Rules(unit=100, lag=50, min_speech=300, preroll=0, tail=200, endpoint=1000)
    assert hear(Segmenter(late, 0), "..###") == [Piece(150, 150, 500, 450)]
