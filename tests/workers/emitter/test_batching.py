from hypothesis import given
from hypothesis import strategies as st

from common.identity import Meeting
from workers.emitter.batching import Job, Kind, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.manner import Manner
from workers.engines.speech import DecodeSettings

SHORT = Manner(DecodeSettings(6, 1), word_times=False)
LONG = Manner(DecodeSettings(30, 5), word_times=True)
ROOMY = Limits(windows=8, ms=1e9, final_ms=0)


def job(key, *, meeting="standup", kind=Kind.PARTIAL, since_ms=0, manner=SHORT, priority=0):
    return Job(key, Meeting("default", meeting), kind, since_ms, manner, priority)


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
    assert keys(choose([*loud, quiet], Limits(3, 1e9, 0), Costs())) == ["loud0", "quiet", "loud1"]


def test_a_batch_is_bounded_in_windows():
    assert len(choose([job(str(i)) for i in range(9)], ROOMY, Costs())) == 8


def test_a_batch_stops_where_it_would_take_too_long():
    costs = Costs()
    costs.learn(SHORT, 1, 100)
    jobs = [job(str(i)) for i in range(9)]
    assert len(choose(jobs, Limits(8, 249, 0), costs)) == 3
    assert len(choose(jobs, Limits(8, 10, 0), costs)) == 1


waiting_jobs = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(Kind), st.integers(0, 9), st.sampled_from([SHORT, LONG])),
    min_size=1,
    max_size=20,
)


@given(waiting_jobs, st.integers(1, 5))
def test_choosing_until_nothing_waits_serves_everything_once_the_most_urgent_first(waiting, windows):
    left = {
        str(i): job(str(i), meeting=str(meeting), kind=kind, since_ms=since_ms, manner=manner)
        for i, (meeting, kind, since_ms, manner) in enumerate(waiting)
    }
    while left:
        batch = choose(left.values(), Limits(windows, 1e9, 0), Costs())
        assert 1 <= len(batch) <= windows
        assert len({j.manner for j in batch}) == 1
        assert batch[0].kind.place == min(j.kind.place for j in left.values())
        for j in batch:
            del left[j.key]
