"""Which node of a cluster serves which hash slot."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.crc import key_slot

from common.streams.address import Place


@dataclass(frozen=True, slots=True)
class SlotMap:
    """As one node saw it: ranges of slots by their first, with the primary's place; `known` are all nodes."""

    starts: Sequence[int]
    ranges: Sequence[tuple[int, Place]]
    known: Sequence[Place]

    def place_of(self, key: str) -> Place | None:
        """Who serves the key; None while nobody does."""
        slot = key_slot(key.encode())
        at = bisect_right(self.starts, slot) - 1
        if at < 0 or self.ranges[at][0] < slot:
            return None
        return self.ranges[at][1]


def parse_slots(reply: Sequence[Any], asked: Place) -> SlotMap:
    """Read the reply of CLUSTER SLOTS; a node that does not know its own name has that of who was `asked`."""
    found = sorted(
        (int(first), int(last), [_place(node, asked) for node in nodes]) for first, last, *nodes in reply
    )
    known = {node for _, _, nodes in found for node in nodes}
    return SlotMap(
        [first for first, _, _ in found], [(last, nodes[0]) for _, last, nodes in found], sorted(known)
    )


def _place(node: Sequence[Any], asked: Place) -> Place:
    host = node[0].decode() if node[0] else ""
    return host or asked[0], int(node[1])
