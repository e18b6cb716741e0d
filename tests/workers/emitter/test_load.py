import pytest

from common.identity import Meeting
from workers.emitter.batching import Kind
from workers.emitter.costs import Costs
from workers.emitter.effort import efforts
from workers.emitter.load import Load

EFFORTS = efforts(200, final_ms=400, drafts=True)
MEETINGS = [Meeting("default", f"m{i}") for i in range(8)]


def learnt(ms):
    """Costs of a machine on which every pass takes so long, alone or in company."""
    costs = Costs()
    for effort in EFFORTS:
        finals = {finals.manner(5 * 16_000) for finals in effort.finals}
        for manner in {*finals, *([effort.partials.manner(0)] if effort.partials else [])}:
            for windows in (1, 8) * 20:
                costs.learn(manner, windows, ms * windows)
    return costs


def speaking(load, meetings, *, seconds, share=1.0):
    for tick in range(seconds * 10):
        for meeting in meetings:
            load.hear(meeting, round(1600 * share), tick * 100)


def test_work_is_what_the_passes_of_a_second_take():
    load = Load(EFFORTS, learnt(100))
    speaking(load, MEETINGS[:1], seconds=60)
    [work] = load.work(60_000).values()
    finals = 0.1 / 5
    assert work == pytest.approx((2 * finals + 0.1 / 0.4, finals + 0.1 / 5, finals, 0), rel=0.05)


def test_half_the_speech_is_half_the_work():
    load = Load(EFFORTS, learnt(100))
    speaking(load, MEETINGS[:1], seconds=60)
    speaking(load, MEETINGS[1:2], seconds=60, share=0.5)
    work = load.work(60_000)
    assert work[MEETINGS[1]][0] == pytest.approx(work[MEETINGS[0]][0] / 2, rel=0.05)


def test_the_rate_is_right_from_the_first_seconds_on():
    load = Load(EFFORTS, learnt(100))
    speaking(load, MEETINGS[:1], seconds=3)
    early = load.work(3000)[MEETINGS[0]][0]
    speaking(load, MEETINGS[1:2], seconds=60)
    assert early == pytest.approx(load.work(60_000)[MEETINGS[1]][0], rel=0.2)


def test_headroom_counts_meetings_like_those_present():
    load = Load(EFFORTS, learnt(100))
    speaking(load, MEETINGS[:2], seconds=60)
    work = load.work(60_000)
    each = work[MEETINGS[0]][0]
    assert load.headroom(work, 1.0) == pytest.approx(1 / each - 2, rel=0.05)
    assert load.headroom(work, each) == pytest.approx(-1, rel=0.05)
    assert Load(EFFORTS, learnt(100)).headroom({}, 1.0) > 1


def test_meetings_that_fell_silent_are_forgotten():
    load = Load(EFFORTS, learnt(100))
    speaking(load, MEETINGS[:1], seconds=10)
    before = load.work(10_000)[MEETINGS[0]][0]
    assert load.work(20_000)[MEETINGS[0]][0] < before / 2
    assert load.work(80_000) == {}


def test_company_makes_windows_cheap():
    costs = learnt(100)
    for finals in EFFORTS[-1].finals:
        for _ in range(60):
            costs.learn(finals.manner(5 * 16_000), 8, 200)
            costs.learn(finals.manner(5 * 16_000), 1, 100)
    load = Load(EFFORTS, costs)
    speaking(load, MEETINGS[:1], seconds=60)
    alone = load.work(60_000)[MEETINGS[0]]
    for _ in range(200):
        load.passed(Kind.FINAL, 8)
    assert load.work(60_000)[MEETINGS[0]][2] == pytest.approx(alone[2] / 4, rel=0.1)
