from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from common.identity import Meeting
from workers.emitter.batching import Job, Kind, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.effort import Manner
from workers.engines.speech import DecodeSettings

SHORT = Manner(DecodeSettings(6, 1), word_times=False)
LONG = Manner(DecodeSettings(30, 5), word_times=True)
ROOMY = Limits(windows=8, ms=1e9)


def job(key, *, meeting="standup", kind=Kind.PARTIAL, since_ms=0, manner=SHORT, behind="", priority=0):
    return Job(key, Meeting("default", meeting), kind, since_ms, manner, behind, priority)


def keys(batch):
    return [one.key for one in batch]


def test_nothing_waits_nothing_is_chosen():
    assert choose([], ROOMY, Costs()) == []


def test_finals_go_before_partials_and_drafts_and_those_before_backfills_however_long_they_waited():
    jobs = [
        job("backfill", kind=Kind.BACKFILL),
        job("partial", since_ms=100),
        job("draft", kind=Kind.DRAFT, since_ms=500),
        job("final", kind=Kind.FINAL, since_ms=900),
    ]
    assert keys(choose(jobs, ROOMY, Costs())) == ["final", "partial", "draft", "backfill"]


def test_a_meeting_of_higher_priority_goes_first_among_its_kind():
    jobs = [
        job("guest"),
        job("board", meeting="board", since_ms=900, priority=1),
        job("final", kind=Kind.FINAL, since_ms=999),
    ]
    assert keys(choose(jobs, ROOMY, Costs())) == ["final", "board", "guest"]


def test_who_has_waited_longest_goes_first():
    jobs = [job("c", since_ms=3), job("a", since_ms=1), job("b", since_ms=2)]
    assert keys(choose(jobs, ROOMY, Costs())) == ["a", "b", "c"]


def test_a_batch_is_of_one_manner():
    jobs = [job("a", manner=LONG), job("b", since_ms=1), job("c", manner=LONG, since_ms=2)]
    assert keys(choose(jobs, ROOMY, Costs())) == ["a", "c"]


def test_a_loud_meeting_takes_turns_with_a_quiet_one():
    loud = [job(f"loud{i}", meeting="loud", since_ms=i) for i in range(20)]
    quiet = job("quiet", meeting="quiet", since_ms=100)
    assert keys(choose([*loud, quiet], Limits(3, 1e9), Costs())) == ["loud0", "quiet", "loud1"]


def test_a_batch_is_bounded_in_windows():
    assert len(choose([job(str(i)) for i in range(9)], ROOMY, Costs())) == 8


def test_a_batch_stops_where_it_would_take_too_long():
    costs = Costs()
    costs.learn(SHORT, 1, 100)
    jobs = [job(str(i)) for i in range(9)]
    assert len(choose(jobs, Limits(8, 249), costs)) == 3
    assert len(choose(jobs, Limits(8, 10), costs)) == 1


def test_finals_of_a_track_keep_their_order_in_a_batch_and_across_batches():
    first = job("first", kind=Kind.FINAL, manner=LONG, since_ms=5)
    second = job("second", kind=Kind.FINAL, since_ms=4, behind="first")
    third = job("third", kind=Kind.FINAL, manner=LONG, since_ms=3, behind="second")
    assert keys(choose([third, second, first], ROOMY, Costs())) == ["first"]
    assert keys(choose([job("x", behind="y"), job("y", since_ms=1)], ROOMY, Costs())) == ["y", "x"]


jobs_of_tracks = st.lists(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.integers(0, 9), st.sampled_from([SHORT, LONG])),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


@given(jobs_of_tracks, st.integers(1, 5))
def test_choosing_until_nothing_waits_serves_everything_once_and_in_order(tracks, windows):
    waiting = {}
    for t, track in enumerate(tracks):
        for i, (kind, since_ms, manner) in enumerate(track):
            key, behind = f"{t}/{i}", f"{t}/{i - 1}" if i else ""
            waiting[key] = job(
                key, meeting=str(t % 2), kind=kind, since_ms=since_ms, manner=manner, behind=behind
            )
    served = []
    while waiting:
        open_jobs = [
            j if j.behind in waiting else job(j.key, kind=j.kind, since_ms=j.since_ms, manner=j.manner)
            for j in waiting.values()
        ]
        batch = choose(open_jobs, Limits(windows, 1e9), Costs())
        assert 1 <= len(batch) <= windows
        assert len({j.manner for j in batch}) == 1
        for j in batch:
            del waiting[j.key]
        served += keys(batch)
    assert len(served) == sum(map(len, tracks))
    for t in range(len(tracks)):
        order = [int(key.split("/")[1]) for key in served if key.startswith(f"{t}/")]
        assert all(a < b for a, b in pairwise(order))
