"""Which messages are acknowledged when, and what is noted of them."""

from collections.abc import Sequence

import pytest

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk
from common.streams.audio_log import Mark
from ingest.pending import Pending
from ingest.receipts import Extent, Receipts

MEETING = Meeting("default", "weekly")
ANN, BO = (Track(MEETING, name, Speaker(name, name)) for name in ("ann", "bo"))


def piece(track: Track, start: int, end: int) -> AudioChunk:
    return AudioChunk(track, start, 0, bytes(2 * (end - start)))


def marks(items: Sequence[AudioChunk | Mark]) -> list[tuple[str, int, int]]:
    return [(item.track.id, item.seq, item.position) for item in items if isinstance(item, Mark)]


@pytest.fixture
def receipts() -> Receipts:
    """Both speakers have begun: messages 1 and 2."""
    receipts = Receipts("s", None, {})
    receipts.jump(1, 0, Extent(ANN, 0, 100, follows=False), [piece(ANN, 0, 100)])
    receipts.jump(2, 1, Extent(BO, 50, 150, follows=False), [piece(BO, 50, 150)])
    return receipts


def test_a_first_message_is_noted_before_its_audio() -> None:
    items = Receipts("s", None, {}).jump(7, 6, Extent(ANN, 40, 100, follows=False), [piece(ANN, 40, 100)])
    assert items == [Mark(ANN, "s", 6, 40), piece(ANN, 40, 100), Mark(ANN, "s", 7, 100)]


def test_a_message_is_whole_when_the_audio_has_reached_its_end(receipts: Receipts) -> None:
    assert marks(receipts.follow(3, Extent(ANN, 100, 200, follows=True), [piece(ANN, 100, 160)])) == []
    assert receipts.settled == 2
    items = receipts.follow(4, Extent(ANN, 200, 300, follows=True), [piece(ANN, 160, 260)])
    assert items[-1] == Mark(ANN, "s", 3, 200)
    assert receipts.settled == 3


def test_a_message_waits_for_those_before_it_on_other_tracks(receipts: Receipts) -> None:
    receipts.follow(3, Extent(ANN, 100, 200, follows=True), [piece(ANN, 100, 160)])
    assert marks(receipts.follow(4, Extent(BO, 150, 250, follows=True), [piece(BO, 150, 250)])) == []
    assert marks(receipts.settle([piece(ANN, 160, 200)])) == [("ann", 3, 200), ("bo", 4, 250)]


def test_what_was_held_before_a_hole_is_noted_before_it(receipts: Receipts) -> None:
    receipts.follow(3, Extent(BO, 150, 250, follows=True), [piece(BO, 150, 200)])
    behind, rest = piece(ANN, 500, 600), piece(BO, 200, 250)
    items = receipts.jump(8, 7, Extent(ANN, 500, 600, follows=False), [behind, rest])
    assert items == [
        rest,
        Mark(BO, "s", 3, 250),
        Mark(ANN, "s", 7, 500),
        behind,
        Mark(ANN, "s", 8, 600),
    ]


def test_a_message_that_another_process_had_put_out_is_whole() -> None:
    receipts = Receipts("s", 4, {"ann": 300})
    items = receipts.jump(5, 4, Extent(ANN, 200, 300, follows=False), [])
    assert items == [Mark(ANN, "s", 4, 200), Mark(ANN, "s", 5, 300)]


def test_an_empty_message_waits_its_turn(receipts: Receipts) -> None:
    receipts.follow(3, Extent(ANN, 100, 200, follows=True), [piece(ANN, 100, 160)])
    assert receipts.empty(4) == []
    assert marks(receipts.settle([piece(ANN, 160, 200)])) == [("ann", 3, 200), ("ann", 4, 200)]


def test_who_sends_ahead_is_given_time() -> None:
    pending = Pending()
    for seq in range(1, 4):
        pending.note(seq, 1_000 + 100 * seq)
    assert pending.settle_in_ms(1, 1_300) == 200
    assert pending.until(1) == [1]
    pending.ran_out()
    pending.note(4, 1_400)
    assert pending.settle_in_ms(3, 1_400) == 300


def test_who_waits_for_each_answer_waits_long_once() -> None:
    pending = Pending()
    pending.note(1, 1_000)
    assert pending.settle_in_ms(None, 1_000) == 300
    pending.ran_out()
    assert pending.until(1) == [1]
    pending.note(2, 1_400)
    assert pending.settle_in_ms(1, 1_400) == 0


def test_not_many_messages_are_held() -> None:
    pending = Pending()
    for seq in range(300):
        pending.note(seq, 1_000)
    assert pending.settle_in_ms(None, 1_000) == 0


def test_while_we_keep_a_client_waiting_its_messages_do_not_run_out() -> None:
    pending = Pending()
    pending.note(1, 1_000)
    pending.note(2, 1_100)
    pending.excuse(6_000)
    assert pending.settle_in_ms(None, 7_100) == 200
    assert pending.settle_in_ms(1, 7_100) == 300
