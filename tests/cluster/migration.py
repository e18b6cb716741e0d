"""Moves a slot of a cluster to another primary, as an operator who reshards does."""

from collections.abc import Iterator
from typing import Any

from redis.crc import key_slot

from tests.cluster.servers import Cluster, Server, until

_MOVED_WITHIN_MS = 5000
_ALL = 10_000


class Migration:
    """Of the slot of a key: `begin`, any number of `move`, `finish`; or `at_once`."""

    def __init__(self, cluster: Cluster, key: str, target: Server) -> None:
        self.source, self.target = cluster.serving(key), target
        self.cluster, self._slot = cluster, key_slot(key.encode())

    def begin(self) -> None:
        """From now on the source sends for keys that it lacks to the target."""
        _tell(self.target, "CLUSTER", "SETSLOT", self._slot, "IMPORTING", _id_of(self.source))
        _tell(self.source, "CLUSTER", "SETSLOT", self._slot, "MIGRATING", _id_of(self.target))

    def left(self) -> list[bytes]:
        """What the source still has of the slot."""
        return list(_tell(self.source, "CLUSTER", "GETKEYSINSLOT", self._slot, _ALL))

    def move(self, key: bytes | str) -> None:
        """One key."""
        place = ("127.0.0.1", self.target.port, "", 0, _MOVED_WITHIN_MS)
        _tell(self.source, "MIGRATE", *place, "KEYS", key)

    def finish(self) -> None:
        """What is left moves, and the target serves the slot, as all primaries know."""
        while found := self.left():
            for key in found:
                self.move(key)
        others = [node for node in self.cluster.nodes if node not in (self.target, self.source)]
        primaries = [node for node in others if node.info("replication")["role"] == "master"]
        for node in (self.target, self.source, *primaries):
            _tell(node, "CLUSTER", "SETSLOT", self._slot, "NODE", _id_of(self.target))

    def at_once(self) -> None:
        """Valkey 9 does it all by itself, and the source serves the slot until the target has everything."""
        slots = ("SLOTSRANGE", self._slot, self._slot, "NODE", _id_of(self.target))
        _tell(self.source, "CLUSTER", "MIGRATESLOTS", *slots)
        until("the slot has moved", lambda: self._slot in set(_slots_of(self.target)))


def replicate(replica: Server, primary: Server) -> None:
    """Make a replica that of another primary, up to date."""
    _tell(replica, "CLUSTER", "REPLICATE", _id_of(primary))
    until("the primary has its replica", lambda: primary.info("replication")["connected_slaves"] == 1)


def refusals(node: Server) -> int:
    """How often a node has said that a key is elsewhere, or that only some of them are here."""
    stats = node.info("errorstats")
    return sum(int(stats.get(f"errorstat_{word}", {"count": 0})["count"]) for word in ("TRYAGAIN", "ASK"))


def _tell(node: Server, *command: Any) -> Any:
    return node.client.execute_command(*command)


def _id_of(node: Server) -> str:
    name: bytes = _tell(node, "CLUSTER", "MYID")
    return name.decode()


def _slots_of(node: Server) -> Iterator[int]:
    for first, last, primary, *_ in _tell(node, "CLUSTER", "SLOTS"):
        if int(primary[1]) == node.port:
            yield from range(first, last + 1)
