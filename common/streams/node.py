"""A primary of a cluster, as the owner of shards sees it: a connection, and whether it is worth a try."""

import time
from collections.abc import Callable

from redis.exceptions import ConnectionError as RedisConnectionError

from common.streams.address import Place
from common.streams.client import PASSING
from common.streams.wire import Wire

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_PROBE_S = 0.3

NewWire = Callable[[float], Wire]
"""A connection to the node with so many seconds to answer, not opened yet."""


class Node:
    """While it does not answer it is tried ever more rarely and briefly: others need not wait for it."""

    def __init__(self, place: Place, new_wire: NewWire, timeout_s: float) -> None:
        self.place = place
        self.wire = new_wire(timeout_s)
        self._new_wire = new_wire
        self._pause_s = 0.0
        self._away_until = 0.0

    def connect(self) -> None:
        """Be connected. Raises an error of `PASSING`, at once while it is not worth a try."""
        if self.wire.is_connected:
            return
        if time.monotonic() < self._away_until:
            raise RedisConnectionError(f"{self.place[0]}:{self.place[1]} did not answer lately")
        try:
            if self._pause_s:
                self._probe()
            self.wire.connect()
        except PASSING:
            self.leave_alone()
            raise
        self._pause_s = 0.0

    def leave_alone(self) -> None:
        """It does not answer: hang up, and try again later."""
        self.wire.close()
        self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s or _FIRST_PAUSE_S)
        self._away_until = time.monotonic() + self._pause_s

    def _probe(self) -> None:
        wire = self._new_wire(_PROBE_S)
        try:
            wire.connect()
        finally:
            wire.close()
