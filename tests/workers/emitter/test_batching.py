from hypothesis import given
from hypothesis import strategies as st

from common.identity import Meeting
from workers.emitter.batching import Job, Kind, Limits, choose
from workers.emitter.costs import Costs
from workers.emitter.manner import Manner
from workers.engines.speech import DecodeSettings

SHORT = Manner(DecodeSettings(6, 1), word_times=False)
LONG = Manner(DecodeSettings(30, 5), word_times=True)
ROOMY = Limits(windows=8, ms=1e9)


def learned(alone_ms, further_ms, manner=SHORT):
    """What a pass costs: so much for one window, and so much for each further one."""
    costs = Costs()
    for windows in (1, 2, 4, 8) * 20:
        costs.learn(manner, windows, alone_ms + further_ms * (windows - 1))
    return costs


FREE_COMPANY = learned(100, 0)


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
    assert keys(choose(jobs, ROOMY, FREE_COMPANY)) == ["final", "partial", "draft", "backfill"]


def test_a_meeting_of_higher_priority_goes_first_among_its_kind():
    jobs = [
        job("guest"),
        job("board", meeting="board", since_ms=900, priority=1),
        job("final", kind=Kind.FINAL, since_ms=999),
    ]
    assert keys(choose(jobs, ROOMY, FREE_COMPANY)) == ["final", "board", "guest"]


def test_who_has_waited_longest_goes_first():
    jobs = [job("c", since_ms=3), job("a", since_ms=1), job("b", since_ms=2)]
    assert keys(choose(jobs, ROOMY, FREE_COMPANY)) == ["a", "b", "c"]


def test_a_batch_is_of_one_manner():
    jobs = [job("a"), job("b", manner=LONG, since_ms=1), job("c", since_ms=2)]
    assert keys(choose(jobs, ROOMY, FREE_COMPANY)) == ["a", "c"]


def test_a_loud_meeting_takes_turns_with_a_quiet_one():
    loud = [job(f"loud{i}", meeting="loud", since_ms=i) for i in range(20)]
    quiet = job("quiet", meeting="quiet", since_ms=100)
    assert keys(choose([*loud, quiet], Limits(3, 1e9), FREE_COMPANY)) == ["loud0", "quiet", "loud1"]


def test_a_batch_is_bounded_in_windows():
    assert len(choose([job(str(i)) for i in range(9)], ROOMY, FREE_COMPANY)) == 8


def test_a_batch_stops_where_it_would_take_too_long():
    jobs = [job(str(i)) for i in range(9)]
    assert len(choose(jobs, Limits(8, 115), learned(100, 5))) == 4
    assert len(choose(jobs, Limits(8, 10), learned(100, 5))) == 1


def test_windows_that_save_nothing_by_sharing_a_pass_are_told_one_by_one():
    jobs = [job(str(i)) for i in range(9)]
    assert keys(choose(jobs, ROOMY, learned(100, 99))) == ["0"]


def test_the_more_wait_behind_the_larger_a_batch():
    sizes = [len(choose([job(str(i)) for i in range(n)], ROOMY, learned(100, 60))) for n in (1, 2, 4, 8, 30)]
    assert sizes == [1, 1, 2, 4, 8]


@given(st.integers(1, 12), st.integers(0, 100))
def test_a_batch_keeps_nobody_waiting_for_nothing(waiting, further):
    """All in all, the jobs wait no longer than if each had a pass of its own."""
    costs = learned(100, further)
    left, now, told = [job(str(i)) for i in range(waiting)], 0.0, 0.0
    while left:
        batch = choose(left, Limits(12, 1e9), costs)
        now += costs.predict_ms(SHORT, len(batch))
        told += now * len(batch)
        left = left[len(batch) :]
    one_by_one = costs.predict_ms(SHORT, 1) * waiting * (waiting + 1) / 2
    assert told <= one_by_one * 1.001


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
        batch = choose(left.values(), Limits(windows, 1e9), Costs())
        assert 1 <= len(batch) <= windows
        assert len({j.manner for j in batch}) == 1
        assert batch[0].kind.place == min(j.kind.place for j in left.values())
        for j in batch:
            del left[j.key]
