from itertools import pairwise

from common.identity import Meeting
from workers.emitter.service import Rules, Service

BOARD, GUEST, TEAM = (Meeting("default", name) for name in ("board", "guest", "team"))
WORK = (0.5, 0.2, 0.1, 0.0)
CALM_MS = 5000


def new_service(allowed=range(4), **ranks):
    return Service(Rules(allowed, CALM_MS, lambda meeting: ranks.get(meeting.id, 0)))


def run(service, work, *, seconds, late=False, since_s=0):
    """Plan ten times a second; returns the levels in the end."""
    for tick in range(round(seconds * 10)):
        service.plan(work, round(since_s * 1000) + tick * 100, late=late)
    return {meeting.id: service.level(meeting) for meeting in work}


def test_a_few_meetings_get_full_service():
    assert run(new_service(), {BOARD: WORK, GUEST: WORK}, seconds=1) == {"board": 0, "guest": 0}


def test_more_meetings_than_the_machine_can_carry_are_relaxed_before_any_loses_its_partials():
    work = {Meeting("default", f"m{i}"): WORK for i in range(3)}
    assert set(run(new_service(), work, seconds=6).values()) == {0, 1}
    work = {Meeting("default", f"m{i}"): WORK for i in range(8)}
    assert set(run(new_service(), work, seconds=6).values()) == {1, 2}


def test_late_results_lower_service_until_they_are_no_longer_late():
    service = new_service()
    run(service, {BOARD: WORK}, seconds=1)
    assert run(service, {BOARD: WORK}, seconds=30, late=True, since_s=1) == {"board": 3}


def test_service_comes_back_when_the_load_is_gone_a_step_at_a_time():
    service = new_service()
    run(service, {BOARD: WORK}, seconds=30, late=True)
    assert run(service, {BOARD: WORK}, seconds=20, since_s=30) == {"board": 0}
    changes = [
        now_ms for now_ms in range(50_000, 60_000, 100) if service.plan({BOARD: WORK}, now_ms, late=False)
    ]
    assert changes == []


def test_a_meeting_rises_at_most_once_in_a_while():
    service = new_service()
    run(service, {BOARD: WORK}, seconds=30, late=True)
    risen = []
    for tick in range(300):
        now_ms = 30_000 + tick * 100
        if service.plan({BOARD: WORK}, now_ms, late=False):
            risen.append(now_ms)
    assert risen
    assert all(after - before >= CALM_MS for before, after in pairwise(risen))


def test_priority_is_served_first():
    service = new_service(board=1)
    run(service, {BOARD: WORK, GUEST: WORK, TEAM: WORK}, seconds=8.3, late=True)
    levels = run(service, {BOARD: WORK, GUEST: WORK, TEAM: WORK}, seconds=0.1, since_s=8.3)
    assert levels["board"] < min(levels["guest"], levels["team"])


def test_of_equal_meetings_the_one_that_had_less_goes_first():
    service = new_service()
    work = {BOARD: WORK, GUEST: WORK, TEAM: WORK}
    run(service, work, seconds=0.1)
    service.served(BOARD, 5000)
    levels = run(service, work, seconds=4, late=True, since_s=1)
    assert levels["board"] >= max(levels["guest"], levels["team"])


def test_a_pinned_level_stays():
    for level in (0, 1):
        service = new_service(range(level, level + 1))
        assert run(service, {BOARD: WORK}, seconds=60, late=True) == {"board": level}


def test_meetings_that_are_over_are_forgotten():
    service = new_service()
    run(service, {BOARD: WORK}, seconds=30, late=True)
    run(service, {GUEST: WORK}, seconds=1, since_s=30)
    assert service.level(BOARD) == 0


def test_nothing_is_deferred_before_results_have_come_late():
    work = {Meeting("default", f"m{i}"): WORK for i in range(40)}
    service = new_service()
    assert set(run(service, work, seconds=6).values()) == {2}
    assert 3 in run(service, work, seconds=2, late=True, since_s=6).values()
