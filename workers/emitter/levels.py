"""The service level that the load allows, with hysteresis."""


class Levels:
    """Goes down a level as soon as what waits would take longer than `budget_ms` at full service.

    Comes up again when it has taken less than half of that for `calm_ms` on end. A single allowed
    level stays.
    """

    def __init__(self, allowed: range, *, budget_ms: float, calm_ms: int) -> None:
        self._allowed, self._budget_ms, self._calm_ms = allowed, budget_ms, calm_ms
        self._busy_ms = 0
        self._level = allowed[0]

    @property
    def best(self) -> int:
        """Full service, as far as it is allowed."""
        return self._allowed[0]

    def observe(self, backlog_ms: float, now_ms: int) -> int:
        """The level for the next batch, given the predicted time of all that waits."""
        if backlog_ms > self._budget_ms / 2:
            self._busy_ms = now_ms
        if backlog_ms > self._budget_ms:
            self._level = min(self._level + 1, self._allowed[-1])
        elif now_ms - self._busy_ms >= self._calm_ms:
            self._level = self._allowed[0]
        return self._level
