"""In which share of the time something waited."""

import math

_MEMORY_MS = 5000.0


class WaitingShare:
    """An exponentially fading mean over the last seconds."""

    def __init__(self) -> None:
        self._share = 0.0
        self._at_ms = 0
        self._waits = False

    def note(self, now_ms: int, *, waits: bool) -> None:
        """Whether something waits from now on."""
        self._share, self._at_ms, self._waits = self.share(now_ms), now_ms, waits

    def share(self, now_ms: int) -> float:
        """The share of the time until now."""
        kept = math.exp(-max(0, now_ms - self._at_ms) / _MEMORY_MS)
        return self._share * kept + (1 - kept) * self._waits
