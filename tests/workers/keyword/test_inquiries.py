"""What waits for verification: which goes first, and which goes when there is no room or time for it."""

from collections.abc import Sequence

import pytest
from scripted_speech import ANN

from workers.keyword.inquiries import Bounds, Inquiries, Waiting
from workers.keyword.listening import Candidate, Inquiry, Look
from workers.keyword.utterance import Utterance

MUTE = Candidate("mute", 0, 1)


class Queue:
    """An Inquiries with utterances of one candidate each."""

    def __init__(self, *, batch: int = 8, waiting: int = 3, patience_ms: float = 4000) -> None:
        self.let_go: list[str] = []
        bounds = Bounds(batch, waiting, patience_ms)
        self.inquiries = Inquiries(bounds, lambda utterance: self.let_go.append(utterance.id))

    def add(self, name: str, *, score: float | None = None, now_ms: int = 0) -> Utterance:
        """A first look; where there was one, with its score, something to read."""
        utterance = Utterance(0, name, ANN.meeting, ANN.id, ANN.speaker, now_ms, origin_ms=0)
        if score is not None:
            utterance.doubtful[MUTE] = score
        self.look(utterance, "first" if score is None else "third", now_ms)
        return utterance

    def look(self, utterance: Utterance, look: Look, now_ms: int = 0) -> None:
        inquiry = Inquiry(utterance.id, 0, b"", (MUTE,), look)
        self.inquiries.add(utterance, inquiry, now_ms)

    def batch(self, now_ms: int = 0) -> list[str]:
        return names(self.inquiries.next_batch(now_ms))


def names(batch: Sequence[Waiting]) -> list[str]:
    return [one.utterance.id for one in batch]


def test_first_looks_go_first_and_in_order() -> None:
    queue = Queue(batch=2)
    queue.add("doubted", score=-3.0)
    for name in ("a", "b", "c"):
        queue.add(name)
    assert [queue.batch(), queue.batch(), queue.batch(), queue.batch()] == [
        ["a", "b"],
        ["c"],
        ["doubted"],
        [],
    ]


def test_second_looks_go_before_what_is_to_be_read() -> None:
    queue = Queue()
    queue.look(queue.add("doubted", score=-3.0), "second")
    queue.add("new")
    assert [queue.batch(), queue.batch(), queue.batch()] == [["new"], ["doubted"], ["doubted"]]


def test_what_still_waits_is_read_once_with_all_that_is_there() -> None:
    queue = Queue()
    doubted = queue.add("doubted", score=-3.0)
    queue.add("other", score=-4.0)
    queue.look(doubted, "last")
    assert queue.let_go == ["doubted"]
    (one, other) = queue.inquiries.next_batch(0)
    assert [(one.utterance.id, one.inquiry.look), other.utterance.id] == [("doubted", "last"), "other"]
    assert queue.batch() == []


def test_of_what_is_to_be_read_the_likeliest_goes_first_and_few_at_a_time() -> None:
    queue = Queue(batch=4)
    for name, score in (("poor", -6.0), ("good", -2.5), ("fair", -4.0)):
        queue.add(name, score=score)
    assert [queue.batch(), queue.batch(), queue.batch()] == [["good"], ["fair"], ["poor"]]


def test_while_the_pool_is_behind_reading_takes_a_third_of_the_time() -> None:
    queue = Queue()
    for name in ("doubted", "too", "as well"):
        queue.add(name, score=-3.0)
    queue.add("new")
    inquiries = queue.inquiries
    assert names(inquiries.next_batch(0, behind=True)) == ["new"]
    (one, *others) = inquiries.next_batch(0, behind=True)
    inquiries.took(one.inquiry, 100, 0)
    assert not inquiries.due(299, behind=True)
    assert inquiries.next_batch(299, behind=True) == []
    assert inquiries.due(299, behind=False)
    assert inquiries.due(300, behind=True)
    assert len(others) + len(inquiries.next_batch(300, behind=True)) == 2


def test_first_looks_wait_for_no_reading() -> None:
    queue = Queue()
    queue.add("doubted", score=-3.0)
    (second,) = queue.inquiries.next_batch(0, behind=True)
    queue.inquiries.took(second.inquiry, 100, 0)
    queue.add("new")
    assert names(queue.inquiries.next_batch(50, behind=True)) == ["new"]


def test_without_room_the_unlikeliest_reading_goes() -> None:
    queue = Queue()
    for name, score in (("poor", -6.0), ("good", -2.5), ("fair", -4.0), ("better", -3.0)):
        queue.add(name, score=score)
    assert queue.let_go == ["poor"]
    assert len(queue.inquiries) == 3


def test_without_room_the_oldest_first_look_goes() -> None:
    queue = Queue()
    for name in "abcd":
        queue.add(name)
    assert queue.let_go == ["a"]
    assert queue.batch() == list("bcd")


@pytest.mark.parametrize("score", [None, -3.0])
def test_what_waited_too_long_goes(score: float | None) -> None:
    queue = Queue(patience_ms=4000)
    queue.add("old", score=score, now_ms=0)
    queue.add("new", score=score, now_ms=3000)
    assert queue.batch(now_ms=4500) == ["new"]
    assert queue.let_go == ["old"]


def test_what_was_told_meanwhile_needs_no_look() -> None:
    queue = Queue()
    queue.add("a").found.add("mute")
    queue.add("b", score=-3.0).found.add("mute")
    assert queue.batch() == []
    assert queue.let_go == ["a", "b"]


def test_what_nothing_left_open_is_not_read() -> None:
    queue = Queue()
    queue.add("a", score=-3.0).doubtful.clear()
    assert queue.batch() == []
    assert queue.let_go == ["a"]


def test_a_phrase_that_is_hopeless_at_one_place_may_be_read_at_another() -> None:
    queue = Queue()
    doubted = queue.add("doubted", score=-3.0)
    elsewhere = Inquiry("doubted", 0, b"", (Candidate("mute", 5, 6),), "second")
    doubted.doubt(elsewhere, {})
    assert queue.batch() == ["doubted"]


def test_a_candidate_that_scoring_settled_is_not_read() -> None:
    queue = Queue()
    settled = queue.add("settled", score=-3.0)
    settled.doubt(Inquiry("settled", 0, b"", (MUTE,), "second"), {})
    assert queue.batch() == []


def test_release_forgets_a_shard() -> None:
    queue = Queue()
    queue.add("a")
    queue.add("b", score=-3.0)
    queue.inquiries.release(0)
    assert len(queue.inquiries) == 0
