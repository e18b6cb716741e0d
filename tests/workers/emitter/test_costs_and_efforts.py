from itertools import pairwise

import pytest

from workers.emitter.costs import Costs
from workers.emitter.effort import Due, Partials, efforts, pinned
from workers.emitter.manner import Manner, context_s
from workers.engines.speech import DecodeSettings

SHORT = Manner(DecodeSettings(6, 1), word_times=False)
LONG = Manner(DecodeSettings(30, 5), word_times=True)


def test_costs_follow_what_is_measured():
    costs = Costs()
    for _ in range(60):
        costs.learn(SHORT, 1, 50)
    assert costs.predict_ms(SHORT, 1) == pytest.approx(50)
    for _ in range(60):
        costs.learn(SHORT, 1, 80)
    assert costs.predict_ms(SHORT, 1) == pytest.approx(80, rel=0.01)


@pytest.mark.parametrize("further", [0.1, 0.5, 1.0])
def test_what_company_costs_is_learned(further):
    costs = Costs()
    for i in range(60):
        windows = 1 + i % 4
        costs.learn(SHORT, windows, 40 * (1 + further * (windows - 1)))
    assert costs.predict_ms(SHORT, 1) == pytest.approx(40)
    assert costs.predict_ms(SHORT, 8) == pytest.approx(40 * (1 + 7 * further))


def test_batches_of_one_size_still_tell_something_of_others():
    costs = Costs()
    costs.learn(SHORT, 4, 100)
    assert costs.predict_ms(SHORT, 4) == pytest.approx(100)
    assert costs.predict_ms(SHORT, 1) == pytest.approx(40)
    assert costs.predict_ms(SHORT, 8) == pytest.approx(180)


def test_what_waits_is_counted_in_batches():
    costs = Costs()
    costs.learn(SHORT, 4, 100)
    one_of_each = costs.predict_ms(SHORT, 8) + costs.predict_ms(SHORT, 4) + costs.predict_ms(LONG, 1)
    assert costs.total_ms([*[SHORT] * 12, LONG], batch=8) == pytest.approx(one_of_each)
    assert costs.total_ms([], batch=8) == 0


def test_a_slow_machine_is_known_before_every_manner_was_seen():
    costs = Costs()
    before = costs.predict_ms(LONG, 1)
    for _ in range(60):
        costs.learn(SHORT, 1, 2 * 8 * 6)
    assert costs.predict_ms(LONG, 1) == pytest.approx(2 * before, rel=0.01)


def test_contexts_leave_room_for_padding_and_come_in_few_classes():
    second = 16_000
    lengths = range(0, 30 * second, 1600)
    for length in lengths:
        assert context_s(length, 12) >= min(30, max(12, length / second + 2))
    assert {context_s(length, 12) for length in lengths} == {12, 16, 20, 24, 28, 30}


def test_a_view_that_fills_its_context_asks_for_word_times():
    partials = Partials(every=3200, slowest=6400, context_s=6, careful=True)
    assert partials.manner(16_000, careful=True).word_times
    assert not partials.manner(4 * 16_000).word_times
    assert partials.manner(4 * 16_000 + 1).word_times
    assert partials.manner(16_000).decode == DecodeSettings(6, 1, second_try=False)


def test_partials_are_made_with_care_where_all_that_are_due_come_in_time():
    full, relaxed, _ = efforts(200, final_ms=250, drafts=True)
    costs = Costs()
    costs.learn(full.partials.manner(16_000, careful=True), windows=1, took_ms=60)
    assert full.partials.affords_care(16_000, costs, due=3)
    assert not full.partials.affords_care(16_000, costs, due=4)
    assert not relaxed.partials.affords_care(16_000, costs, due=1)


def costing(effort, *finals_ms):
    """Costs by which the finals of an effort take so long each, best first."""
    costs = Costs()
    for finals, ms in zip(effort.finals, finals_ms, strict=True):
        for _ in range(60):
            costs.learn(finals.manner(16_000), 1, ms)
    return costs


def test_finals_are_as_good_as_there_is_time_for_when_so_many_are_due():
    full, *_ = efforts(200, final_ms=400, drafts=True)
    costs, (best, quick) = costing(full, 400, 200), full.finals
    finals = [full.final(16_000, costs, Due(number, partials=0, partials_ms=0.0)) for number in (1, 2, 9)]
    assert finals == [best, quick, quick]
    assert pinned(full).final(16_000, costs, Due(9, partials=0, partials_ms=0.0)) == best


def test_finals_are_no_better_than_leaves_time_for_the_partials_that_wait():
    full, *_ = efforts(200, final_ms=400, drafts=True)
    costs, (best, quick) = costing(full, 300, 150), full.finals
    found = [full.final(16_000, costs, Due(1, partials=3, partials_ms=ms)) for ms in (90, 110, 9000)]
    assert found == [best, quick, quick]


def test_no_level_gives_more_than_the_one_above():
    for better, worse in pairwise(efforts(200, final_ms=400, drafts=True)):
        for one, other in zip(worse.finals, better.finals, strict=False):
            assert (one.context_s, one.beam, one.lead) <= (other.context_s, other.beam, other.lead)
        assert worse.drafts <= better.drafts
        if worse.partials:
            assert worse.partials.every >= better.partials.every
