"""The messages of one connection that wait for their acknowledgement, and how long they may."""

from collections import deque

_PATIENCE_MS = 300
_MOST = 256


class Pending:
    """Numbers in the order they came.

    The resampler holds the end of a message back until the next one comes. A client that sends
    ahead soon brings it; one that waits for each acknowledgement would wait for ever, so after a
    while what is held is put out, and for such a client from then on at once.
    """

    def __init__(self) -> None:
        self._numbers: deque[tuple[int, int]] = deque()
        self._patience_ms = _PATIENCE_MS
        self._sends_ahead = False

    def note(self, seq: int, arrival_ms: int) -> None:
        """A message has been taken."""
        if self._numbers:
            self._sends_ahead, self._patience_ms = True, _PATIENCE_MS
        self._numbers.append((seq, arrival_ms))

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the client waiting: no other message could have come."""
        self._numbers = deque((seq, arrival_ms + waited_ms) for seq, arrival_ms in self._numbers)

    def ran_out(self) -> None:
        """No other message came in time."""
        if not self._sends_ahead:
            self._patience_ms = 0

    def settle_in_ms(self, settled: int | None, now_ms: int) -> int | None:
        """How much longer the oldest message that is not settled may wait."""
        for seq, arrival_ms in self._numbers:
            if settled is None or seq > settled:
                full = len(self._numbers) >= _MOST
                return 0 if full else max(0, arrival_ms + self._patience_ms - now_ms)
        return None

    def until(self, settled: int | None) -> list[int]:
        """The numbers that are settled; they wait no longer."""
        ready = []
        while settled is not None and self._numbers and self._numbers[0][0] <= settled:
            ready.append(self._numbers.popleft()[0])
        return ready
