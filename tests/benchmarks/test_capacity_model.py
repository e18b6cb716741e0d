from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.capacity_model import (
    Costs,
    Demand,
    Limits,
    RedisShares,
    Share,
    crowded,
    plan,
    processes_for,
    redis_plan,
    shards_for,
)
from benchmarks.capacity_queues import Cadence, Line
from benchmarks.capacity_simulation import Promise, Scene, emitter_speed, most_meetings, simulate, spoken_in

NOTHING = Share(0, 0, 0)
COSTS = Costs(
    processors={
        "vad": Share(0.01, 0.004, 0.01),
        "asr": Share(0.01, 0.0, 0.01),
        "keyword": Share(0.01, 0.0, 0.05),
        "emitter": Share(0.01, 0.0, 0.3),
    },
    memory_mb={"vad": Share(100, 0.1, 0.1), "emitter": Share(250, 0.1, 1)},
    redis=RedisShares(
        processors=Share(0.02, 0.002, 0.004),
        commands=Share(200, 20, 60),
        in_bytes=Share(0, 80_000, 100_000),
        out_bytes=Share(0, 70_000, 90_000),
        result_bytes=Share(0, 0, 2_000),
    ),
    shards=32,
    batches={"partial": Line(40, 15), "final": Line(120, 60)},
    transit_ms=60,
    margins_ms=(-100, 0, 50, 100, 200, 1500),
    utterance_ms=4000,
)
LIMITS = Limits()


def planned(meetings, **changed):
    return plan(COSTS, Demand(meetings, **changed), LIMITS, emitter_meetings=6)


def test_processors_are_those_of_the_meetings_and_of_the_idle_processes():
    found = planned(50, talk=0.5)
    meeting = 0.5 * 0.004 + 0.5 * (0.01 + 0.01 + 0.05 + 0.3)
    assert found.processors == pytest.approx(50 * meeting + 0.01 * sum(found.processes.values()))


@pytest.mark.parametrize("talk", [0.0, 0.5, 0.8, 1.0, 2.0])
def test_a_meeting_costs_its_silence_and_further_for_each_voice(talk):
    assert Share(1, 2, 5).of_meeting(talk) == pytest.approx(2 + 3 * talk)


def test_more_meetings_never_take_fewer_of_anything():
    plans = [planned(n) for n in (1, 2, 5, 10, 100, 1000, 10_000, 100_000)]
    for fewer, more in pairwise(plans):
        assert all(more.processes[pool] >= count for pool, count in fewer.processes.items())
        assert more.shards >= fewer.shards
        assert more.redis.nodes >= fewer.redis.nodes
        assert more.memory_gb > fewer.memory_gb


@pytest.mark.parametrize("capacity", [0.4, 1.5, 6, 40, 1000])
@pytest.mark.parametrize("meetings", [1, 7, 100, 5000])
def test_processes_hold_all_meetings_and_one_less_would_not(meetings, capacity):
    count = processes_for(meetings, capacity)
    assert count * capacity >= meetings
    assert count == 1 or (count - 1) * capacity < meetings


def test_meetings_that_fall_on_one_process_by_chance_crowd_it():
    drawn = np.bincount(np.random.default_rng(1).integers(0, 250, 1000), minlength=250)
    seen = drawn[drawn > 6].sum() / 1000
    assert crowded(1000, 250, 6) == pytest.approx(seen, abs=0.03)
    assert crowded(5, 1, 6) == 0
    assert crowded(7, 1, 6) == 1


def test_large_processes_are_crowded_less_often_than_small_ones_as_full():
    assert crowded(10_000, 100, 140) < 0.01 < crowded(10_000, 2500, 5.7)


def test_each_process_of_the_largest_pool_has_several_shards():
    assert [shards_for(n) for n in (1, 8, 9, 33)] == [32, 32, 64, 256]


def test_the_scarcest_resource_says_how_many_redis_nodes_there_must_be():
    demand = Demand(1000, talk=1.0, kept_hours=24)
    plenty = redis_plan(COSTS.redis, demand, LIMITS)
    assert plenty.memory == pytest.approx(1000 * 2000 * 86_400 / 32e9)
    assert plenty.nodes == 6  # the processor time: 4.02 / 0.7
    assert redis_plan(COSTS.redis, replace(demand, kept_hours=240), LIMITS).nodes == 54


def test_redis_is_asked_for_news_of_every_shard():
    none = Demand(0)
    once, often = (redis_plan(COSTS.redis, none, LIMITS, rests=n) for n in (1, 64))
    assert often.commands == pytest.approx(64 * once.commands)
    found = planned(100_000)
    rests = found.shards / COSTS.shards
    assert found.redis == redis_plan(COSTS.redis, found.demand, LIMITS, rests)
    assert rests > 1000


def scene(meetings, **changed):
    return Scene(meetings, seconds=60, **changed)


def test_latency_does_not_fall_as_meetings_are_added():
    found = [simulate(COSTS, scene(n)) for n in (1, 4, 16)]
    for clock in ("word", "partial"):
        p95 = [outcome.percentiles()[clock][1] for outcome in found]
        assert p95 == sorted(p95)
    assert found[0].busy < found[1].busy < found[2].busy <= 1
    assert found[0].superseded < found[2].superseded


def test_one_undisturbed_meeting_waits_for_its_windows_and_no_longer():
    outcome = simulate(COSTS, scene(1))
    assert min(outcome.partial_ms) >= COSTS.transit_ms + 40
    assert min(outcome.final_ms) >= 700 + COSTS.transit_ms + 120
    assert max(outcome.final_ms) < 700 + COSTS.transit_ms + 120 + 40 + 10


def test_a_draft_hides_the_decoding_in_the_pause():
    plain, drafted = simulate(COSTS, scene(1)), simulate(COSTS, scene(1, draft_ms=250))
    assert max(drafted.final_ms) == pytest.approx(700 + COSTS.transit_ms)
    assert min(plain.final_ms) > max(drafted.final_ms)
    assert drafted.busy > plain.busy


def test_meetings_in_step_end_their_utterances_together_and_so_wait_for_each_other():
    apart, together = (simulate(COSTS, scene(8, in_step=in_step)) for in_step in (False, True))
    assert together.percentiles()["final"][0] > apart.percentiles()["final"][0] + 100


def test_somebody_speaks_for_the_share_of_the_time_that_was_asked_for():
    talk = Scene(40, seconds=200, talk=0.5)
    spoken = [u.end_ms - u.begin_ms for meeting in spoken_in(COSTS, talk) for u in meeting]
    assert sum(spoken) == pytest.approx(0.5 * 40 * 200_000, rel=0.1)


def test_the_same_scene_comes_out_the_same():
    assert simulate(COSTS, scene(3)) == simulate(COSTS, scene(3))


def test_on_a_shared_machine_the_emitter_has_what_the_others_leave():
    assert emitter_speed(COSTS, scene(1)) == 1
    assert emitter_speed(COSTS, scene(1, processors=2)) == 1
    taken = 0.05 + 20 * (0.01 + 0.01 + 0.05 + 0.004)
    assert emitter_speed(COSTS, scene(20, processors=2)) == pytest.approx(2 - taken)
    assert emitter_speed(COSTS, scene(1000, processors=2)) > 0


def test_a_machine_that_others_use_as_well_is_slower():
    own, shared = (simulate(COSTS, scene(20, processors=processors)) for processors in (0, 2))
    assert shared.percentiles()["partial"][0] > own.percentiles()["partial"][0] + 50


def test_what_an_emitter_holds_holds_and_one_more_does_not():
    promise = Promise(partial_ms=400, final_ms=1500, superseded=0.2)
    most = most_meetings(COSTS, scene(1), promise)
    assert most > 1
    assert promise.kept(simulate(COSTS, scene(most)))
    assert not promise.kept(simulate(COSTS, scene(most + 1)))
    assert most_meetings(COSTS, scene(1), Promise(1, 1, 0)) == 0


def test_without_partials_an_emitter_holds_more_meetings():
    promise = Promise(partial_ms=400, final_ms=1500, superseded=0.2)
    finals_only = scene(1, cadence=Cadence(every_ms=1e12))
    assert most_meetings(COSTS, finals_only, promise) > most_meetings(COSTS, scene(1), promise)


def test_partials_that_do_not_come_break_the_promise_however_fresh_the_others_are():
    overloaded = simulate(COSTS, scene(40))
    assert not Promise(1e9, 1e9, superseded=0.2).kept(overloaded)
    assert Promise(1e9, 1e9, superseded=1).kept(overloaded)
