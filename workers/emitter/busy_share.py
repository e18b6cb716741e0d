"""Which share of the time something was at work."""

import math

_MEMORY_MS = 5000.0


class BusyShare:
    """An exponentially fading mean over the last seconds."""

    def __init__(self) -> None:
        self._share = 0.0
        self._at_ms = 0

    def worked(self, ms: float, now_ms: int) -> None:
        """Work that began at `now_ms` took so long."""
        self._share = self.share(now_ms) + ms / _MEMORY_MS
        self._at_ms = now_ms

    def share(self, now_ms: int) -> float:
        """The share of the time until now."""
        return self._share * math.exp(-max(0, now_ms - self._at_ms) / _MEMORY_MS)
