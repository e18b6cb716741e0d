"""What the gateway tells of live meetings at a glance."""

from dataclasses import replace

import pytest
from scripted_meeting import ANN, BOB, MEETING, meeting_results, utterance_results

from common.identity import Meeting
from common.results import Activity, Result, Status, Transcript, to_json
from common.streams.result_log import StoredResult
from workers.gateway.pulse import STRETCHES, MeetingPulse, Pulse


def stored(*results: Result) -> list[StoredResult]:
    return [
        StoredResult(0, f"{n}-0", Meeting(r.tenant, r.meeting), r.type, to_json(r))
        for n, r in enumerate(results)
    ]


@pytest.fixture
def pulse() -> Pulse:
    return Pulse()


def only(pulse: Pulse) -> MeetingPulse:
    [meeting] = pulse.meetings("default")
    return meeting


def test_who_speaks_and_what_was_said_last(pulse: Pulse) -> None:
    said = [r for r in utterance_results(1) if isinstance(r, Activity | Transcript)]
    end = next(n for n, r in enumerate(said) if isinstance(r, Activity) and r.state == "silent")
    pulse.take(stored(*said[:end]))
    assert [(s.speaker, s.start_ms, s.end_ms) for s in only(pulse).talk] == [(BOB, 6_200, None)]
    assert only(pulse).speaker == BOB
    assert only(pulse).text == said[end - 1].text
    pulse.take(stored(said[end]))
    assert [s.end_ms for s in only(pulse).talk] == [said[end].end_ms]


def test_level_and_latency_of_what_is_said_now(pulse: Pulse) -> None:
    final = next(r for r in utterance_results(0) if isinstance(r, Transcript) and r.status == "final")
    for latency_ms in (100, 900, 300):
        pulse.take(stored(replace(final, level=1, latency_ms=latency_ms)))
    pulse.take(stored(replace(final, level=0, latency_ms=90_000, backfilled=True)))
    assert (only(pulse).level, only(pulse).latency_ms) == (1, 300)
    level = next(r for r in meeting_results() if isinstance(r, Status) and r.event == "level_changed")
    pulse.take(stored(replace(level, level=2)))
    assert only(pulse).level == 2


def test_speech_that_nobody_ended_is_over_after_a_while(pulse: Pulse) -> None:
    begun = next(r for r in utterance_results(0) if isinstance(r, Activity))
    later = replace(begun, utterance="later", start_ms=100_000, speaker=ANN)
    pulse.take(stored(begun, later))
    assert [s.start_ms for s in only(pulse).talk] == [100_000]


def test_talk_of_more_than_two_minutes_ago_is_not_told(pulse: Pulse) -> None:
    silent = next(r for r in utterance_results(0) if isinstance(r, Activity) and r.state == "silent")
    stretches = [
        replace(silent, utterance=f"u{at}", start_ms=at - 900, end_ms=at) for at in (10_000, 40_000, 155_000)
    ]
    pulse.take(stored(*stretches))
    assert [s.end_ms for s in only(pulse).talk] == [40_000, 155_000]


def test_meetings_that_are_asked_for_by_name(pulse: Pulse) -> None:
    said = next(r for r in utterance_results(0) if isinstance(r, Transcript))
    pulse.take(stored(*(replace(said, meeting=name) for name in ("a", "b", "c"))))
    named = [Meeting("default", name) for name in ("c", "gone", "a")] + [Meeting("acme", "b")]
    assert [told.meeting for told in pulse.of(named)] == ["c", "a"]


def test_an_ended_meeting_and_other_tenants_are_left_out(pulse: Pulse) -> None:
    pulse.take(stored(*meeting_results(MEETING)))
    pulse.take(stored(*meeting_results(Meeting("acme", "board"))))
    assert [m.meeting for m in pulse.meetings("default")] == ["standup"]
    ended = next(r for r in meeting_results() if isinstance(r, Status))
    pulse.take(stored(replace(ended, event="meeting_ended")))
    assert pulse.meetings("default") == ()
    assert [m.meeting for m in pulse.meetings("acme")] == ["board"]


def test_a_long_meeting_stays_bounded(pulse: Pulse) -> None:
    said = [r for r in utterance_results(0) if isinstance(r, Activity)]
    for n in range(STRETCHES + 50):
        pulse.take(
            stored(*(replace(r, utterance=f"u{n}", start_ms=r.start_ms + n, end_ms=r.end_ms) for r in said))
        )
    assert len(only(pulse).talk) == STRETCHES
    assert only(pulse).talk[-1].start_ms == said[0].start_ms + STRETCHES + 49
