"""What to take of streams that are read on request."""

from common.shelves import UNASKED_AT_ONCE, Place, Shelf, Taking, note_taken, plan
from common.stage import Stream


def place(shard: int) -> Place:
    return shard, Stream.DEFERRED


def shelves(*unread: int, beyond: int = 0) -> dict[Place, Shelf]:
    """One a shard, the oldest first."""
    return {place(n): Shelf(count, beyond, (100 + n, 0)) for n, count in enumerate(unread)}


def test_nothing_is_taken_that_nobody_asked_for() -> None:
    assert plan(shelves(5, 5), recall=0) == {}


def test_what_is_asked_for_is_spread_over_the_shards_that_have_some() -> None:
    takings = plan(shelves(5, 0, 1, 5), recall=6)
    assert {n: taking.asked for (n, _), taking in takings.items()} == {0: 3, 2: 1, 3: 2}


def test_a_single_place_goes_to_the_oldest() -> None:
    lying = shelves(2, 2)
    for expected in (0, 1, 0, 1):
        ((taken, taking),) = plan(lying, recall=1).items()
        assert taken == place(expected)
        milliseconds, number = lying[taken].oldest
        note_taken(lying[taken], taking, (milliseconds + 10, number))
    assert plan(lying, recall=1) == {}


def test_what_lies_beyond_the_bounds_is_taken_unasked_a_few_at_a_time() -> None:
    lying = shelves(100, 100, beyond=6)
    takings = plan(lying, recall=0)
    assert [taking.unasked for taking in takings.values()] == [6, UNASKED_AT_ONCE - 6]
    for taken, taking in takings.items():
        note_taken(lying[taken], taking, (500, 0))
    assert plan(lying, recall=0) == {place(1): Taking(0, 4)}


def test_what_was_asked_for_anyway_is_not_too_much() -> None:
    assert plan(shelves(10, beyond=3), recall=2) == {place(0): Taking(asked=2, unasked=1)}


def test_a_shelf_that_gave_less_than_it_seemed_to_hold_is_empty() -> None:
    lying = shelves(5)
    note_taken(lying[place(0)], Taking(2, 0), None)
    assert plan(lying, recall=5) == {}
