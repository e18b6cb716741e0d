"""What forward passes cost, learned while they run."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from workers.emitter.manner import Manner

_MEMORY = 0.9
_PRIOR_MS_PER_S = 8.0
_PRIOR_PER_BEAM = 0.3
_PRIOR_FURTHER = 0.5


class Costs:
    """Predicts the time of a batch: so much for a first window, and so much for each further one.

    What is learned about one manner tells how fast the machine is, and so serves the manners not
    yet seen.
    """

    def __init__(self) -> None:
        self._lines: dict[Manner, _Line] = {}
        self._speed = 1.0

    def learn(self, manner: Manner, windows: int, took_ms: float) -> None:
        """A batch took so long."""
        prior = _prior(manner)
        self._lines.setdefault(manner, _Line()).learn(windows - 1, took_ms)
        self._speed += (1 - _MEMORY) * (took_ms / prior.at(windows - 1) - self._speed)

    def predict_ms(self, manner: Manner, windows: float) -> float:
        """The time of one batch; of so many windows in the mean."""
        line = self._lines.get(manner)
        return line.at(windows - 1) if line else self._speed * _prior(manner).at(windows - 1)

    def total_ms(self, manners: Iterable[Manner], batch: int) -> float:
        """The time of all of these, in batches of up to `batch` windows."""
        total = 0.0
        for manner, windows in Counter(manners).items():
            full, rest = divmod(windows, batch)
            total += full * self.predict_ms(manner, batch) + (self.predict_ms(manner, rest) if rest else 0)
        return total


@dataclass(slots=True)
class _Line:
    """A line through what was measured, by least squares; what is older weighs less.

    Where all measurements had one size, the slope is a share of the height.
    """

    weight: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def learn(self, x: float, y: float) -> None:
        """A measurement. Sums become means, in which the newest counts for a tenth at least."""
        self.weight = self.weight * _MEMORY + 1
        share = 1 / self.weight
        self.x += share * (x - self.x)
        self.y += share * (y - self.y)
        self.xx += share * (x * x - self.xx)
        self.xy += share * (x * y - self.xy)

    def at(self, x: float) -> float:
        """The height at `x`."""
        spread = self.xx - self.x**2
        flat = _PRIOR_FURTHER * self.y / (1 + _PRIOR_FURTHER * self.x)
        slope = (self.xy - self.x * self.y) / spread if spread > 0.1 else flat
        return self.y + min(max(slope, 0.0), self.y) * (x - self.x)


def _prior(manner: Manner) -> _Line:
    """Before anything was measured: by the length of the context and the width of the beam."""
    line = _Line()
    line.learn(
        0, _PRIOR_MS_PER_S * manner.decode.context_s * (1 + _PRIOR_PER_BEAM * (manner.decode.beam - 1))
    )
    return line
