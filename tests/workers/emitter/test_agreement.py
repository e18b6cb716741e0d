from hypothesis import given
from hypothesis import strategies as st

from workers.emitter.agreement import Agreement, common_prefix, said_again

words = st.lists(st.sampled_from(["we", "ship", "on", "monday", "Monday,", "the", "theme"]), max_size=8)


def hear(*hypotheses):
    agreement = Agreement()
    return [(agreement.hear(text.split()), agreement.stable, agreement.text)[1:] for text in hypotheses]


def test_words_that_two_hypotheses_agree_on_are_stable():
    assert hear("we sip", "we ship on", "we ship on Sunday", "we ship on Monday") == [
        ("", "we sip"),
        ("we", "we ship on"),
        ("we ship on", "we ship on Sunday"),
        ("we ship on", "we ship on Monday"),
    ]


def test_case_and_punctuation_are_no_disagreement():
    assert hear("so. we", "So we", "so, we ship")[-1] == ("So we", "So we ship")


def test_a_full_stop_at_the_end_of_the_audio_may_become_a_comma():
    assert hear("Yes.", "Yes.", "Yes, but", "yes; But not") == [
        ("", "Yes."),
        ("Yes", "Yes."),
        ("Yes", "Yes, but"),
        ("Yes; But", "Yes; But not"),
    ]


def test_a_hypothesis_that_takes_stable_words_back_changes_only_what_follows():
    assert hear("the cat sat", "the cat sat", "a cat sat on")[-1] == ("the cat sat", "the cat sat on")
    assert hear("the cat sat", "the cat sat", "cat sat on")[-1] == ("the cat sat", "the cat sat on")


def test_words_that_left_the_view_stay_in_the_text():
    agreement = Agreement()
    agreement.hear(["one", "two", "three", "four"])
    assert agreement.hear(["one", "two", "three", "four", "five"]) == 4
    agreement.leave(2)
    assert agreement.hear(["three", "four", "five", "six"]) == 3
    assert agreement.stable == "one two three four five"
    assert agreement.text == "one two three four five six"


def test_certain_words_need_no_second_opinion():
    agreement = Agreement()
    assert agreement.hear(["one", "two", "three"], certain=2) == 2
    assert (agreement.stable, agreement.text) == ("one two", "one two three")


@given(st.lists(st.tuples(words, st.integers(0, 3), st.integers(0, 4)), max_size=12))
def test_stable_words_never_change_and_begin_every_text(hypotheses):
    agreement = Agreement()
    before = ""
    for heard, certain, kept in hypotheses:
        stable = agreement.hear(heard, certain=certain)
        assert 0 <= stable <= len(heard)
        assert agreement.stable.startswith(before)
        assert agreement.text.startswith(agreement.stable)
        before = agreement.stable
        agreement.leave(kept)
        assert agreement.stable == before


@given(words, words)
def test_what_was_said_is_found_before_anything_that_follows(said, following):
    assert common_prefix(said, said + following) >= len(said)
    assert said_again(said, said + following) >= len(said) - len(following)
    assert said_again(said, said) == len(said)


def test_a_word_heard_otherwise_is_still_that_word():
    assert said_again(["their"], ["there", "is"]) == 1
