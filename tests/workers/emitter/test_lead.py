from dataclasses import replace

import numpy as np
import pytest

from workers.emitter.lead import Lead, after_lead
from workers.engines.speech import Hypothesis, HypothesisWord

FRAMES_PER_S = 100


def timed(text, start_s=0.0, word_s=0.4):
    """Words of the same length, one after the other."""
    return tuple(
        HypothesisWord(word, start_s + i * word_s, start_s + (i + 1) * word_s, 0.9)
        for i, word in enumerate(text.split())
    )


def hypothesis(*words):
    return Hypothesis(" ".join(word.text for word in words), words, -0.2, 0.01)


def frames(seconds):
    return np.arange(round(seconds * FRAMES_PER_S), dtype=np.float16)[:, None]


LEAD = Lead(frames(2.0), timed("we ship on Monday", start_s=0.1), FRAMES_PER_S)
OWN = timed("unless it rains.", start_s=2.4)


def texts(words):
    return [word.text for word in words]


def test_what_was_said_before_is_taken_off():
    own = after_lead(hypothesis(*LEAD.words, *OWN), LEAD, length_s=2)
    assert own.text == "unless it rains."
    assert texts(own.words) == ["unless", "it", "rains."]
    assert own.words[0].start_s == pytest.approx(0.4)


@pytest.mark.parametrize(
    "heard_again",
    ["We ship on Monday,", "we ship a Monday", "ship on Monday", "so we ship on Monday"],
)
def test_the_lead_may_be_heard_a_little_differently(heard_again):
    again = timed(heard_again, word_s=1.8 / len(heard_again.split()))
    assert after_lead(hypothesis(*again, *OWN), LEAD, length_s=2).text == "unless it rains."


def test_words_that_repeat_the_lead_stay_where_they_were_said_again():
    again = timed("we ship on Monday", start_s=2.3)
    assert after_lead(hypothesis(*LEAD.words, *again), LEAD, length_s=2).text == "we ship on Monday"


def test_times_are_not_exact_to_the_word():
    """The first word after a pause often begins with the pause, and so before the seam."""
    early = replace(OWN[0], start_s=1.4)
    assert after_lead(hypothesis(*LEAD.words, early, *OWN[1:]), LEAD, length_s=2).text == "unless it rains."


@pytest.mark.parametrize(
    "words",
    [
        (),
        LEAD.words,
        (*LEAD.words, *timed("and on and on and on and on and on and on and on", 2.1, 0.1)),
        (*timed("they met her husband"), *OWN),
    ],
    ids=["no times", "nothing new", "more than can be said", "another lead"],
)
def test_what_does_not_fit_the_lead_is_not_relied_on(words):
    assert after_lead(hypothesis(*words), LEAD, length_s=1) is None


def test_a_window_begins_with_the_lead():
    assert LEAD.window(frames(1.0)).shape == (300, 1)


def test_the_lead_of_the_next_utterance_begins_with_a_word():
    lead = LEAD.then(frames(1.6), timed("unless it rains.", start_s=0.4)).last(2.4)
    assert texts(lead.words) == ["Monday", "unless", "it", "rains."]
    assert lead.seconds <= 2.4
    assert lead.words[0].start_s == pytest.approx(0.0, abs=0.01)
    assert lead.words[-1].end_s == pytest.approx(lead.seconds, abs=0.02)


def test_a_lead_shorter_than_its_last_word_is_none():
    assert LEAD.last(0.3) is None
