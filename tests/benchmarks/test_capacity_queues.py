from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity_queues import CHUNK_MS, Arrival, Cadence, InOrder, Line, Windows, leaving, serve


def poisson(rate_per_ms, count, seed=1):
    times = np.cumsum(np.random.default_rng(seed).exponential(1 / rate_per_ms, count))
    return [Arrival(float(t), n, float(t)) for n, t in enumerate(times)]


def spoken(utterance, begin_ms, chunks, closing_ms=300):
    """An utterance of so many chunks, each captured when it ends, and its end."""
    ends = [begin_ms + CHUNK_MS * (n + 1) for n in range(chunks)]
    last = Arrival(ends[-1] + closing_ms, utterance, ends[-1], last=True)
    return [*(Arrival(end, utterance, end) for end in ends), last]


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_at_a_time_waits_as_long_as_the_theory_of_one_server_says(load):
    service_ms = 10.0
    passes = serve(poisson(load / service_ms, 60_000), InOrder(1), lambda _: service_ms)
    waited = np.mean([one.begin_ms - one.taken[0].at_ms for one in passes])
    assert waited == pytest.approx(load * service_ms / (2 * (1 - load)), rel=0.08)


def test_a_pool_that_takes_all_there_is_outlasts_the_load_of_one_at_a_time():
    line = Line(first_ms=10, further_ms=1)
    passes = serve(poisson(0.4, 20_000), InOrder(1000), lambda batch: line.ms(len(batch)))
    sizes = np.mean([len(one.taken) for one in passes])
    assert sizes == pytest.approx(0.4 * 9 / (1 - 0.4), rel=0.1)  # n = rate · (9 + n)


@given(
    st.lists(st.tuples(st.floats(0, 5000), st.integers(1, 80)), min_size=1, max_size=12),
    st.floats(1, 2000),
    st.floats(0, 500),
)
def test_every_utterance_gets_its_final_once_and_partials_that_go_forward(speech, first_ms, further_ms):
    arrivals = [a for n, (begin, chunks) in enumerate(speech) for a in spoken(n, begin, chunks)]
    arrivals.sort(key=lambda arrival: arrival.at_ms)
    line = Line(first_ms, further_ms)
    passes = serve(arrivals, Windows(Cadence(most=4)), lambda batch: line.ms(len(batch)))
    finals = Counter(item.utterance for one in passes for item in one.taken if item.last)
    assert finals == Counter(range(len(speech)))
    for utterance in range(len(speech)):
        views = [item.end_ms for one in passes for item in one.taken if item.utterance == utterance]
        assert views[:-1] == sorted(set(views[:-1]))
    assert all(one.begin_ms >= item.at_ms for one in passes for item in one.taken)
    assert all(a.end_ms <= b.begin_ms for a, b in pairwise(passes))


def test_partials_come_at_their_cadence_while_there_is_time():
    queue = Windows(Cadence(first_ms=400, every_ms=300))
    passes = serve(spoken(0, 0, 20), queue, lambda _: 1)
    assert [item.end_ms for one in passes for item in one.taken] == [400, 700, 1000, 1300, 1600, 1900, 2000]
    assert queue.superseded == 0


def test_a_partial_that_waits_takes_the_newest_audio_and_the_older_ones_cost_nothing():
    queue = Windows(Cadence(first_ms=400, every_ms=300))
    passes = serve(spoken(0, 0, 30, closing_ms=2000), queue, lambda _: 1000)
    assert [item.end_ms for one in passes for item in one.taken] == [400, 1400, 2400, 3000, 3000]
    assert queue.superseded == 2 + 2 + 1


def test_finals_go_before_partials_that_have_waited_longer():
    blocking, waiting, ending = spoken(0, 0, 4), spoken(1, 50, 8), spoken(2, 0, 3)
    arrivals = sorted([*blocking[:-1], *waiting[:-1], *ending], key=lambda arrival: arrival.at_ms)
    passes = serve(arrivals, Windows(Cadence(most=1)), lambda _: 500)
    assert [one.taken[0].utterance for one in passes] == [0, 2, 1]


def test_the_partial_that_has_been_due_for_longest_goes_first():
    arrivals = sorted(
        [*spoken(0, 0, 4)[:-1], *spoken(1, 100, 8)[:-1], *spoken(2, 50, 8)[:-1]],
        key=lambda arrival: arrival.at_ms,
    )
    passes = serve(arrivals, Windows(Cadence(most=1)), lambda _: 300)
    assert [one.taken[0].utterance for one in passes][:3] == [0, 2, 1]


def test_what_leaves_a_pool_does_so_when_its_pass_is_done():
    passes = serve([Arrival(5, 0, 5), Arrival(6, 1, 6), Arrival(7, 2, 7)], InOrder(10), lambda _: 3)
    assert [(item.at_ms, item.utterance) for item in leaving(passes)] == [(8, 0), (11, 1), (11, 2)]
