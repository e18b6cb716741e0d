import itertools

import pytest

from common.results import Mood
from workers.sentiment.mood import NEUTRAL, Evidence, mood


def polarity(value: float, start_s: float, end_s: float) -> Evidence:
    return Evidence("polarity", value, round(start_s * 1000), round(end_s * 1000))


def arousal(value: float, start_s: float, end_s: float) -> Evidence:
    return Evidence("arousal", value, round(start_s * 1000), round(end_s * 1000))


def at(seconds: float, *pieces: Evidence) -> Mood:
    return mood(pieces, at_ms=round(seconds * 1000), half_life_s=30)


def test_nothing_heard_is_neutral() -> None:
    assert at(10) == NEUTRAL


def test_kind_words_lift_the_polarity_and_leave_the_arousal() -> None:
    after = at(5, polarity(0.8, 0, 5))
    assert 0.4 < after.polarity < 0.8
    assert after.arousal == NEUTRAL.arousal


def test_each_side_follows_its_own_evidence() -> None:
    after = at(10, polarity(-1, 0, 10), arousal(1, 0, 10))
    assert after.polarity < -0.7
    assert after.arousal > 0.85


def test_an_old_utterance_weighs_half_after_a_half_life() -> None:
    both = at(60, polarity(-1, 28, 30), polarity(1, 59, 60))
    assert both.polarity == pytest.approx((-1 * 2 * 0.5 + 1 * 1) / (2 + 2 * 0.5 + 1), abs=0.001)


def test_the_latest_outweighs_the_earlier() -> None:
    assert at(90, polarity(1, 0, 5), polarity(-1, 85, 90)).polarity < -0.4


def test_a_mood_fades_when_nothing_is_said() -> None:
    said = arousal(0.9, 0, 6)
    levels = [at(seconds, said).arousal for seconds in (6, 36, 66, 600)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == pytest.approx(NEUTRAL.arousal, abs=0.01)


def test_one_short_word_counts_but_is_not_a_mood() -> None:
    assert 0.2 < abs(at(0.2, polarity(-1, 0, 0.2)).polarity) < 0.4


def test_the_order_of_arrival_does_not_matter() -> None:
    pieces = [polarity(0.5, 0, 4), arousal(0.9, 5, 7), polarity(-0.7, 8, 20)]
    assert len({at(20, *order) for order in itertools.permutations(pieces)}) == 1


def test_evidence_from_after_the_time_asked_for_weighs_no_more_than_its_length() -> None:
    assert at(0, polarity(1, 100, 102)) == at(102, polarity(1, 100, 102))
