"""When an attempt is repeated, and when it is given up."""

from dataclasses import replace

import pytest

from common.settings import WebhookSettings
from common.webhooks import KEPT_ATTEMPTS, Attempt, Delivery, Health
from workers.jobs.webhooks.patience import Outcome, Patience, health_after

DELIVERY = Delivery(
    id="msg_1", event="keyword", meeting="m", shard=0, entry="1-0", made_at_ms=0, since_ms=1000
)
SETTINGS = WebhookSettings(retry_min_s=2, retry_max_s=100, max_attempts=4, max_age_s=60, disable_after_s=3600)


def outcome(status: int | None, *, at_ms: int = 0, retry_after_s: float = 0) -> Outcome:
    error = "" if status == 200 else f"status {status}"
    return Outcome(Attempt(at_ms=at_ms, took_ms=5, status=status, error=error), retry_after_s)


def patience(roll: float = 1.0) -> Patience:
    return Patience(SETTINGS, lambda: roll)


def test_pauses_grow_up_to_the_longest_and_are_never_less_than_half() -> None:
    failed = outcome(500)
    pauses = [patience().retry_ms(replace(DELIVERY, tries=n), failed) for n in range(1, 7)]
    assert pauses == [2000, 6000, 18_000, 54_000, 100_000, 100_000]
    assert patience(0.0).retry_ms(replace(DELIVERY, tries=2), failed) == 3000
    assert patience().retry_ms(replace(DELIVERY, tries=10_000), failed) == 100_000


def test_a_receiver_that_asks_for_time_is_given_it_within_reason() -> None:
    tried = replace(DELIVERY, tries=1)
    assert patience().retry_ms(tried, outcome(429, retry_after_s=30)) == 30_000
    assert patience().retry_ms(tried, outcome(429, retry_after_s=1)) == 2000
    assert patience().retry_ms(tried, outcome(503, retry_after_s=1e9)) == 3_600_000
    assert patience().rest_ms(Health(failures=1), [outcome(429, retry_after_s=30)]) == 30_000


@pytest.mark.parametrize(
    ("tries", "status", "state"),
    [(0, 200, "delivered"), (0, 500, "waiting"), (2, None, "waiting"), (3, 500, "dead"), (0, 410, "dead")],
)
def test_what_becomes_of_a_delivery(tries: int, status: int | None, state: str) -> None:
    after = patience().after(replace(DELIVERY, tries=tries), outcome(status))
    assert (after.state, after.tries, after.attempts[-1].status) == (state, tries + 1, status)


def test_the_last_attempts_are_remembered() -> None:
    delivery = DELIVERY
    for n in range(30):
        delivery = patience().after(delivery, outcome(500, at_ms=n))
    assert [attempt.at_ms for attempt in delivery.attempts] == list(range(30 - KEPT_ATTEMPTS, 30))


def test_age_counts_from_when_it_was_last_asked_for() -> None:
    assert not patience().is_too_old(DELIVERY, 61_000)
    assert patience().is_too_old(DELIVERY, 61_001)


def test_one_bad_delivery_costs_a_receiver_no_rest_but_several_failures_do() -> None:
    assert [patience().rest_ms(Health(failures=n), []) for n in range(6)] == [0, 0, 0, 2000, 6000, 18_000]
    assert patience().rest_ms(Health(failures=50), []) == 600_000


def test_a_success_clears_the_slate() -> None:
    failing = health_after(Health(), [outcome(500, at_ms=10), outcome(None, at_ms=20)])
    assert (failing.failures, failing.failing_since_ms, failing.last_error) == (2, 15, "status None")
    assert health_after(failing, [outcome(200, at_ms=30)]) == Health(last_success_ms=35)


def test_only_long_failure_disables() -> None:
    failing = Health(failures=9, failing_since_ms=1)
    assert not patience().should_disable(failing, 3_600_001)
    assert patience().should_disable(failing, 3_600_002)
    assert not patience().should_disable(Health(failures=1, failing_since_ms=1), 9_999_999)
