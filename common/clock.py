"""The wall clock, as everything in Hubbub counts it, and one that does not jump."""

import time
from collections.abc import Callable

_SLEW = 0.0005


def unix_ms() -> int:
    """Now, as Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class SteadyClock:
    """Unix time for whoever measures how long something took: it passes as time does, whatever is set.

    It begins at the wall clock and follows it as ntpd does, by half a millisecond a second at most.
    """

    def __init__(self, wall: Callable[[], int] = unix_ms, steady: Callable[[], int] = _monotonic_ms) -> None:
        self._wall = wall
        self._steady = steady
        self._seen_ms = steady()
        self._now_ms = float(wall())

    def now_ms(self) -> int:
        """Now, in milliseconds; never less than before."""
        seen_ms = self._steady()
        passed_ms, self._seen_ms = seen_ms - self._seen_ms, seen_ms
        most = passed_ms * _SLEW
        error_ms = self._wall() - (self._now_ms + passed_ms)
        self._now_ms += passed_ms + max(-most, min(most, error_ms))
        return int(self._now_ms)
