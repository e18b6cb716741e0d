"""Streams that are read on request: what lies there, and what of it to take next."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from common.stage import Stream

UNASKED_AT_ONCE = 8

Place = tuple[int, Stream]
"""A stream of a shard."""


@dataclass(frozen=True, slots=True)
class ShelfBounds:
    """How much may lie on an on-request stream of a shard, and for how long."""

    max_bytes: int
    max_age_ms: int


@dataclass(slots=True)
class Shelf:
    """Entries of an on-request stream that were not read when last seen.

    So many of them, the oldest, are `beyond` its bounds.
    """

    unread: int
    beyond: int
    oldest: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Taking:
    """How many entries to read of one place: so many were asked for, and so many more are beyond bounds."""

    asked: int
    unasked: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.asked + self.unasked


def plan(shelves: Mapping[Place, Shelf], recall: int) -> dict[Place, Taking]:
    """Share out what the stage asked for, the oldest shelf first and one entry of each in turn.

    What lies beyond its bounds goes whether it was asked for or not, a few entries at a time.
    """
    filled = sorted((place for place in shelves if shelves[place].unread), key=lambda p: shelves[p].oldest)
    asked = _in_turn(deque(filled), shelves, recall)
    left = UNASKED_AT_ONCE
    takings = {}
    for place in filled:
        unasked = min(left, max(0, shelves[place].beyond - asked[place]))
        left -= unasked
        if asked[place] or unasked:
            takings[place] = Taking(asked[place], unasked)
    return takings


def _in_turn(places: deque[Place], shelves: Mapping[Place, Shelf], recall: int) -> Counter[Place]:
    asked: Counter[Place] = Counter()
    while places and asked.total() < recall:
        place = places.popleft()
        asked[place] += 1
        if asked[place] < shelves[place].unread:
            places.append(place)
    return asked


def note_taken(shelf: Shelf, taking: Taking, last: tuple[int, int] | None) -> None:
    """Count down, also where less came than was known of; the next look at the server says more."""
    shelf.unread = max(0, shelf.unread - taking.count) if last else 0
    shelf.beyond = max(0, shelf.beyond - taking.count)
    shelf.oldest = last or shelf.oldest
