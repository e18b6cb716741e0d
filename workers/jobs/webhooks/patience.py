"""What follows from an attempt: when to try again, when to give up, when to leave a receiver alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from common.settings import WebhookSettings
from common.webhooks import KEPT_ATTEMPTS, Attempt, Delivery, Health

GONE_STATUS = 410
FAILURES_BEFORE_REST = 3
MAX_REST_S = 600
MAX_RETRY_AFTER_S = 3600
GROWTH = 3
_LARGEST_POWER = 20


class Verdict(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt, and how long the receiver asked to be left alone."""

    attempt: Attempt
    retry_after_s: float = 0

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        if not self.attempt.error:
            return Verdict.DELIVERED
        return Verdict.GONE if self.attempt.status == GONE_STATUS else Verdict.FAILED


class Patience:
    """The rules, by the settings.

    `roll` is 0 to 1, by chance: what failed together comes back apart.
    """

    def __init__(self, settings: WebhookSettings, roll: Callable[[], float]) -> None:
        self._settings = settings
        self._roll = roll

    def is_too_old(self, delivery: Delivery, now_ms: int) -> bool:
        """Whether a delivery is given up without another attempt."""
        return now_ms - delivery.since_ms > self._settings.max_age_s * 1000

    def after(self, delivery: Delivery, outcome: Outcome) -> Delivery:
        """The delivery after an attempt: delivered, waiting again, or dead."""
        tries = delivery.tries + 1
        attempts = (*delivery.attempts, outcome.attempt)[-KEPT_ATTEMPTS:]
        tried = replace(delivery, tries=tries, attempts=attempts)
        if outcome.verdict is Verdict.DELIVERED:
            return replace(tried, state="delivered")
        is_last = outcome.verdict is Verdict.GONE or tries >= self._settings.max_attempts
        return replace(tried, state="dead" if is_last else "waiting")

    def retry_ms(self, delivery: Delivery, outcome: Outcome) -> int:
        """How long a delivery that failed waits before its next attempt."""
        pause_s = self._pause_s(delivery.tries, self._settings.retry_max_s)
        return round(1000 * max(pause_s, _asked_for(outcome)))

    def rest_ms(self, health: Health, outcomes: list[Outcome]) -> int:
        """How long a receiver is left alone as a whole, so that a dead one costs little."""
        asked_s = max((_asked_for(outcome) for outcome in outcomes), default=0.0)
        if health.failures < FAILURES_BEFORE_REST:
            return round(1000 * asked_s)
        pause_s = self._pause_s(health.failures - FAILURES_BEFORE_REST + 1, MAX_REST_S)
        return round(1000 * max(pause_s, asked_s))

    def should_disable(self, health: Health, now_ms: int) -> bool:
        """Whether a receiver has failed for too long to go on."""
        failing_ms = now_ms - health.failing_since_ms
        return health.failures >= FAILURES_BEFORE_REST and failing_ms > self._settings.disable_after_s * 1000

    def _pause_s(self, failures: int, longest_s: float) -> float:
        """Grows with every failure; at least half of it, the rest by chance."""
        grown_s = self._settings.retry_min_s * GROWTH ** min(failures - 1, _LARGEST_POWER)
        return float(min(grown_s, longest_s) * (0.5 + self._roll() / 2))


def health_after(health: Health, outcomes: list[Outcome]) -> Health:
    """What is known of a receiver after some attempts, in the order in which they ended."""
    for outcome in outcomes:
        attempt = outcome.attempt
        ended_ms = attempt.at_ms + attempt.took_ms
        if outcome.verdict is Verdict.DELIVERED:
            health = Health(last_success_ms=ended_ms)
        else:
            health = replace(
                health,
                failures=health.failures + 1,
                failing_since_ms=health.failing_since_ms or ended_ms,
                last_error=_in_short(attempt),
            )
    return health


def _in_short(attempt: Attempt) -> str:
    """Without what the receiver said, which may repeat what it was sent and stays with the delivery."""
    return attempt.error if attempt.status is None else f"status {attempt.status}"


def _asked_for(outcome: Outcome) -> float:
    return min(outcome.retry_after_s, MAX_RETRY_AFTER_S)
