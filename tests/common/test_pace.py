"""When a stage lets entries gather."""

import pytest

from common.pace import CROWD, GATHERED, Pace

REST_S = 0.02


def paced(rate: float, *, hurried: bool = True) -> tuple[Pace, float]:
    """After two seconds of one entry a call at a steady rate, and when the last one came."""
    pace = Pace(REST_S, hurried=hurried)
    calls = [100 + i / rate for i in range(int(2 * rate) + 1)]
    for now_s in calls:
        pace.note(1, now_s)
    return pace, calls[-1]


def test_entries_that_come_thick_and_fast_gather_since_the_last_call() -> None:
    pace, now_s = paced(CROWD * 2)
    assert pace.rest_s(now_s + REST_S / 4) == pytest.approx(REST_S * 3 / 4)
    assert pace.rest_s(now_s + REST_S) == pytest.approx(0)


def test_the_fewer_come_the_sooner_they_are_looked_for() -> None:
    pace, now_s = paced(CROWD / 10)
    assert pace.rest_s(now_s) == pytest.approx(REST_S / 10, rel=0.15)


def test_a_stage_without_hurry_always_rests_in_full() -> None:
    pace, now_s = paced(CROWD / 10, hurried=False)
    assert pace.rest_s(now_s) == pytest.approx(REST_S)


def test_a_call_that_found_nothing_is_no_reason_to_rest() -> None:
    pace, now_s = paced(CROWD * 2)
    pace.note(0, now_s + 1)
    assert pace.rest_s(now_s + 1) == 0


def test_a_backlog_is_worked_off_without_a_rest() -> None:
    pace, now_s = paced(CROWD * 2)
    pace.note(GATHERED, now_s + 0.001)
    assert pace.rest_s(now_s + 0.001) == pytest.approx(0)


def test_it_ends_when_the_crowd_is_gone() -> None:
    pace, now_s = paced(CROWD * 2)
    for later_s in (0.5, 1.0, 1.5):
        pace.note(1, now_s + later_s)
    assert pace.rest_s(now_s + 1.5) < REST_S / 10
