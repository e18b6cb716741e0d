"""What forward passes cost, learned while they run."""

from collections import Counter
from collections.abc import Iterable

from workers.emitter.effort import Manner

_MEMORY = 0.8
_FURTHER = 0.5
_PRIOR_MS_PER_S = 8.0
_PRIOR_PER_BEAM = 0.3


class Costs:
    """Predicts the time of a batch: a first window, and half as much for each further one.

    What is learned about one manner tells how fast the machine is, and so serves the manners not
    yet seen.
    """

    def __init__(self) -> None:
        self._first_ms: dict[Manner, float] = {}
        self._speed = 1.0

    def learn(self, manner: Manner, windows: int, took_ms: float) -> None:
        """A batch took so long."""
        first_ms = took_ms / _units(windows)
        before = self._first_ms.get(manner, first_ms)
        self._first_ms[manner] = _MEMORY * before + (1 - _MEMORY) * first_ms
        self._speed = _MEMORY * self._speed + (1 - _MEMORY) * first_ms / _prior_ms(manner)

    def predict_ms(self, manner: Manner, windows: int) -> float:
        """The time of one batch."""
        first_ms = self._first_ms.get(manner, self._speed * _prior_ms(manner))
        return first_ms * _units(windows)

    def total_ms(self, manners: Iterable[Manner], batch: int) -> float:
        """The time of all of these, in batches of up to `batch` windows."""
        total = 0.0
        for manner, windows in Counter(manners).items():
            full, rest = divmod(windows, batch)
            total += full * self.predict_ms(manner, batch) + (self.predict_ms(manner, rest) if rest else 0)
        return total


def _units(windows: int) -> float:
    return 1 + _FURTHER * (windows - 1)


def _prior_ms(manner: Manner) -> float:
    """Before anything was measured: by the length of the context and the width of the beam."""
    return _PRIOR_MS_PER_S * manner.decode.context_s * (1 + _PRIOR_PER_BEAM * (manner.decode.beam - 1))
