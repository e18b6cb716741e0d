"""When a stage lets entries gather."""

import pytest

from common.pace import CROWD, GATHERED, REST_S, Pace


def paced(rate: float) -> tuple[Pace, float]:
    """After two seconds of one entry a call at a steady rate."""
    pace, now_s = Pace(), 100.0
    while now_s < 102:
        pace.note(1, now_s)
        now_s += 1 / rate
    return pace, now_s


def test_entries_that_come_now_and_then_are_looked_for_at_once() -> None:
    pace, now_s = paced(CROWD / 2)
    pace.note(1, now_s)
    assert pace.rest_s(now_s) == 0


def test_entries_that_come_thick_and_fast_gather_since_the_last_call() -> None:
    pace, now_s = paced(CROWD * 2)
    pace.note(1, now_s)
    assert pace.rest_s(now_s + REST_S / 4) == pytest.approx(REST_S * 3 / 4)
    assert pace.rest_s(now_s + REST_S) == 0


def test_a_backlog_is_worked_off_without_a_rest() -> None:
    pace, now_s = paced(CROWD * 2)
    pace.note(GATHERED, now_s)
    assert pace.rest_s(now_s) == 0


def test_it_ends_when_the_crowd_is_gone() -> None:
    pace, now_s = paced(CROWD * 2)
    for _ in range(3):
        now_s += 0.5
        pace.note(1, now_s)
    assert pace.rest_s(now_s) == 0
