"""Where a reader of live results is, and when it connects again. No sockets, no clock."""

import random
from collections.abc import Iterable

import orjson
from httpx_sse import ServerSentEvent

from common.client.documents import Placed, selection
from common.client.failures import Refused
from common.results import TYPES, from_json

SILENCE_S = 60.0
"""The gateway sends something every 15 s; a connection silent for so long is dead."""
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 15.0
_REVOKED = "revoked"


class Following:
    """The position moves with every event, so that a new connection goes on without a gap or a repeat."""

    def __init__(self, types: Iterable[str] | None, after: str) -> None:
        self._selection = selection(types, "")
        self._failures = 0
        self.position = after

    @property
    def parameters(self) -> dict[str, str]:
        """Of the next request."""
        return {**self._selection, "after": self.position}

    def take(self, event: ServerSentEvent) -> Placed | None:
        """The result in an event, if there is one of a known type. Raises Refused when let in no more."""
        self._failures = 0
        if event.event == _REVOKED:
            raise Refused(401, _REVOKED, str(orjson.loads(event.data)["reason"]))
        if event.id:
            self.position = event.id
        if event.event not in TYPES:
            return None
        return Placed(event.id, from_json(event.data.encode()))

    def pause_s(self) -> float:
        """How long to wait after a connection ended: longer each time that it brought nothing."""
        longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**self._failures)
        self._failures += 1
        return random.uniform(longest_s / 2, longest_s)  # noqa: S311  # spreads readers, guards nothing
