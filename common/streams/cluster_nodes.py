"""The nodes of a cluster: asked for their slots at first, and again whenever one failed or moved."""

import time
from collections.abc import Iterable
from functools import partial

from redis.exceptions import ConnectionError as RedisConnectionError

from common.settings import RedisSettings
from common.streams.address import Place, parse_address
from common.streams.client import PASSING
from common.streams.link import checked
from common.streams.node import Node
from common.streams.slot_map import SlotMap, parse_slots
from common.streams.wire import Wire

_LOOK_S = 0.2
_ASK_S = 0.5


class ClusterNodes:
    """Who serves which key now."""

    def __init__(self, settings: RedisSettings, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._address = parse_address(settings.address)
        self._map = SlotMap([], [], [])
        self._nodes: dict[Place, Node] = {}
        self._is_doubtful = True
        self._looked_at = -_LOOK_S

    def doubt(self) -> None:
        """Something failed or moved: look again before the next use."""
        self._is_doubtful = True

    def serving(self, key: str) -> Node:
        """Who serves a key, connected. Raises an error of `PASSING` where nobody does now."""
        try:
            node = self._nodes[self._place_of(key)]
            node.connect()
        except PASSING:
            self.doubt()
            raise
        return node

    def sort(self, keys: Iterable[str]) -> tuple[dict[Place, list[int]], dict[int, Exception]]:
        """The indices of keys by who serves them, and of others with the reason why nobody does now."""
        served: dict[Place, list[int]] = {}
        failed: dict[int, Exception] = {}
        for i, key in enumerate(keys):
            try:
                served.setdefault(self.serving(key).place, []).append(i)
            except PASSING as error:
                failed[i] = error
        return served, failed

    def node_at(self, place: Place) -> Node:
        """One that serves something."""
        return self._nodes[place]

    def new_wire(self, place: Place, timeout_s: float) -> Wire:
        """A connection to one node, not opened yet."""
        url = self._address.url(*place)
        return Wire(self._settings, dial=lambda: url, timeout_s=timeout_s)

    def close(self) -> None:
        """Hang up everywhere."""
        for node in self._nodes.values():
            node.wire.close()

    def _place_of(self, key: str) -> Place:
        if self._is_doubtful and time.monotonic() - self._looked_at >= _LOOK_S:
            self._look()
        place = self._map.place_of(key)
        if place is None:
            raise RedisConnectionError(f"no node of the cluster serves {key}")
        return place

    def _look(self) -> None:
        """Ask node after node until one answers."""
        self._looked_at = time.monotonic()
        for place in dict.fromkeys([*self._map.known, *self._address.nodes]):
            wire = self.new_wire(place, _ASK_S)
            try:
                (reply,) = checked(wire.ask([("CLUSTER", "SLOTS")]))
            except PASSING:
                continue
            finally:
                wire.close()
            self._take(parse_slots(reply, place))
            return
        raise RedisConnectionError("no node of the cluster answers")

    def _take(self, slots: SlotMap) -> None:
        """Nodes that serve nothing any more are let go."""
        self._map, self._is_doubtful = slots, False
        serving = {place for _, place in slots.ranges}
        for place in self._nodes.keys() - serving:
            self._nodes.pop(place).wire.close()
        for place in serving - self._nodes.keys():
            self._nodes[place] = Node(place, partial(self.new_wire, place), self._timeout_s)
