"""Whether a source's audio keeps up with the time that passes."""

from common.audio import ms_to_samples

_DRIFT = 0.001


class Clock:
    """How far audio has fallen behind, in samples, by one clock.

    A lag that grows slowly is a sound card's clock and is followed; one that appears at once is
    missing audio.
    """

    def __init__(self, time_ms: int, position: int) -> None:
        self._time_ms = time_ms
        self._position = position
        self._last_position = position
        self._slack: float = 0

    def lag(self, time_ms: int, position: int) -> int:
        """Samples that should have come, when audio up to `position` has by `time_ms`."""
        behind = ms_to_samples(time_ms - self._time_ms) - (position - self._position)
        heard = max(0, position - self._last_position)
        self._last_position = position
        if behind <= self._slack:
            self._slack = max(0, behind)
            return 0
        lag = int(behind - self._slack)
        self._slack = min(behind, self._slack + heard * _DRIFT)
        return lag

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the source waiting."""
        self._slack += ms_to_samples(waited_ms)
