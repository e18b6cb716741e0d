"""The judge of long runs: what it must notice in a meeting that says the same over and over."""

from dataclasses import replace

import pytest

from common.identity import Meeting
from common.results import Activity, Keyword, Result, Sentiment, Tone, Transcript, Word
from common.streams.audio_log import MeetingRecord
from tests.chaos.rounds import Rounds, Wording, compare_wording, judge_rounds
from tests.chaos.test_verdict import common
from tests.chaos.verdict import Outcome

ROUNDS = Rounds(count=4, period_ms=10_000, pause_ms=1000)
PLAYED = ROUNDS.count * ROUNDS.period_ms * 16
COUNTERS = {
    "captured_samples": PLAYED,
    "heard_samples": PLAYED,
    "speech_samples": 5_000,
    "transcribed_samples": 5_000,
}
RECORD = MeetingRecord(Meeting("default", "m"), 1_000, 50_000, {"ann": PLAYED}, COUNTERS)
TONE = Tone(120.0, 20.0, -27.0, 0.1, 3.5, 0.0, 0.0, 0.0)


def spoken(number: int) -> list[Result]:
    """What a round brings: an utterance that begins just before it, in the pause of the one before."""
    start_ms = number * ROUNDS.period_ms - 200 if number else 300
    name = f"digest-{start_ms * 16}"
    final = {"utterance": name, "status": "final", "text": "hello", "stable": "hello"}
    word = Word("hello", start_ms + 100, start_ms + 400, 0.9)
    pitch = replace(TONE, pitch_z=number / 10)
    return [
        Transcript(**common(f"{name}/final", start_ms), **final, words=(word,)),  # type: ignore[arg-type]  # as common says
        Keyword(
            **common(f"{name}/next", start_ms),  # type: ignore[arg-type]  # as common says
            utterance=name,
            phrase="next",
            category="c",
            source="acoustic",
            score=0.5,
        ),
        Activity(**common(f"{name}/silent", start_ms), state="silent", utterance=name),  # type: ignore[arg-type]  # as common says
        Sentiment(
            **common(f"{name}/tone", start_ms),  # type: ignore[arg-type]  # as common says
            utterance=name,
            source="tone",
            polarity=0.0,
            arousal=number / 10,
            tone=pitch,
            mood=None,  # type: ignore[arg-type]  # not looked at
            meeting_mood=None,  # type: ignore[arg-type]  # not looked at
        ),
    ]


WHOLE = [result for number in range(ROUNDS.count) for result in spoken(number)]
OF_THIRD_ROUND = range(8, 12)


def troubles(results: list[Result], record: MeetingRecord = RECORD) -> set[str]:
    verdict = judge_rounds(Outcome(record, results), ROUNDS)
    return {kind for kind, found in verdict.by_kind().items() if found}


def test_rounds_that_are_alike_are_faultless_whatever_the_first_was() -> None:
    assert troubles(WHOLE) == set()


@pytest.mark.parametrize("missing", OF_THIRD_ROUND)
def test_whatever_is_missing_in_a_round_is_lost(missing: int) -> None:
    assert troubles([result for i, result in enumerate(WHOLE) if i != missing]) == {"lost"}


def test_a_round_that_is_missing_is_lost() -> None:
    assert troubles([r for i, r in enumerate(WHOLE) if i not in OF_THIRD_ROUND]) == {"lost"}


@pytest.mark.parametrize("twice", OF_THIRD_ROUND)
def test_whatever_is_there_twice_is_doubled(twice: int) -> None:
    assert "doubled" in troubles([*WHOLE[: twice + 1], *WHOLE[twice:]])


def test_other_words_are_counted_and_nothing_else_is_made_of_them() -> None:
    final = WHOLE[8]
    assert isinstance(final, Transcript)
    reworded = [replace(final, text="hollow") if result is final else result for result in WHOLE]
    assert troubles(reworded) == set()
    assert compare_wording(Outcome(RECORD, reworded), ROUNDS) == Wording(finals=2, other=1)


def test_an_utterance_that_ends_elsewhere_is_noticed() -> None:
    final = WHOLE[8]
    late = [replace(final, end_ms=final.end_ms + 1) if result is final else result for result in WHOLE]
    assert troubles(late) == {"different"}


def test_rounds_in_another_order_are_noticed() -> None:
    assert "disordered" in troubles([*spoken(0), *spoken(2), *spoken(1), *spoken(3)])


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("by", [-1, 1])
def test_one_sample_is_noticed(counter: str, by: int) -> None:
    record = replace(RECORD, counters={**COUNTERS, counter: COUNTERS[counter] + by})
    assert troubles(WHOLE, record) & {"lost", "doubled"}
