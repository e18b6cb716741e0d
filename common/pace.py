"""How long to rest after entries were handled, so that those which come close together gather."""

CROWD = 100
"""Entries a second from which whoever is in a hurry rests in full."""
GATHERED = 64
"""A call with so many has shared its cost; behind it there may be a backlog."""
SPAN_S = 1.0


class Pace:
    """Being called costs more than an entry; see docs/decisions/loop-cost.md.

    Entries are looked for `longest_s` after some were taken, at the soonest. Whoever is `hurried` rests
    the less the fewer come, since few would gather and all be late. Times are of a monotonic clock,
    in seconds.
    """

    def __init__(self, longest_s: float, *, hurried: bool) -> None:
        self._longest_s, self._hurried = longest_s, hurried
        self._rest_s = 0.0 if hurried else longest_s
        self._since = self._due_at = 0.0
        self._entries = 0

    def note(self, entries: int, now_s: float) -> None:
        """So many are being handled."""
        self._entries += entries
        span_s = now_s - self._since
        if self._hurried and span_s >= SPAN_S:
            self._rest_s = self._longest_s * min(1.0, self._entries / span_s / CROWD)
            self._entries, self._since = 0, now_s
        if entries:
            self._due_at = now_s + self._rest_s if entries < GATHERED else now_s

    def rest_s(self, now_s: float) -> float:
        """How long to wait before looking for entries again."""
        return max(0.0, self._due_at - now_s)
