"""How long the loop rests after a call of its stage, so that entries which come thick and fast gather."""

REST_S = 0.02
CROWD = 100
"""Entries a second below which a rest saves next to nothing, and would only make them late."""
GATHERED = 64
"""A call with so many has shared its cost; behind it there may be a backlog."""
SPAN_S = 1.0


class Pace:
    """Being called costs more than an entry; see docs/decisions/loop-cost.md.

    Times are of a monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self._called_at = self._since = 0.0
        self._brought = self._entries = 0
        self._crowded = False

    def note(self, entries: int, now_s: float) -> None:
        """The stage is called with so many."""
        self._called_at, self._brought = now_s, entries
        self._entries += entries
        span_s = now_s - self._since
        if span_s >= SPAN_S:
            self._crowded = self._entries > CROWD * span_s
            self._entries, self._since = 0, now_s

    def rest_s(self, now_s: float) -> float:
        """How long to wait before looking for entries again."""
        if not self._crowded or self._brought >= GATHERED:
            return 0.0
        return max(0.0, self._called_at + REST_S - now_s)
