"""Phrases are found as people write and say them, and not in what merely resembles them."""

import pytest

from workers.engines.cmudict import Pronunciations
from workers.keyword.matching import INFLECTED, Matcher
from workers.keyword.phrases import Phrase
from workers.keyword.reading import ALIKE
from workers.keyword.wording import spoken_words, stem

PHRASES = (
    Phrase("next slide", "navigation"),
    Phrase("follow up", "action"),
    Phrase("to-do list", "action"),
    Phrase("let's schedule", "scheduling", also=("let us schedule",)),
    Phrase("deadline", "scheduling"),
    Phrase("phase two", "custom"),
    Phrase("start recording", "control"),
    Phrase("stop recording", "control"),
    Phrase("ask hubbubber", "custom"),
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(PHRASES, Pronunciations().of)


def found(matcher: Matcher, text: str, bar: float = ALIKE) -> list[str]:
    return [match.phrase.text for match in matcher.find(text.split(), bar)]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Next SLIDE, please!", "next slide"),
        ("and the next slides are", "next slide"),
        ("We should follow-up soon.", "follow up"),
        ("a quick followup", "follow up"),
        ("she followed up on it", "follow up"),
        ("on my to do list", "to-do list"),
        ("on my todo list", "to-do list"),
        ("on my To-Do List", "to-do list"),
        ("lets schedule it", "let's schedule"),
        ("let\N{RIGHT SINGLE QUOTATION MARK}s schedule it", "let's schedule"),
        ("so let us schedule it", "let's schedule"),
        ("two deadlines", "deadline"),
        ("dead line", "deadline"),
        ("in phase 2 of it", "phase two"),
        ("star recording", "start recording"),
        ("please ask Hubbubber", "ask hubbubber"),
    ],
)
def test_found_however_it_is_written(matcher: Matcher, text: str, phrase: str) -> None:
    assert found(matcher, text) == [phrase]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "the next light",
        "the headline of the newspaper",
        "we follow him up the hill",
        "he let his schedule slip",
        "next to the slide",
        "stop according to the plan",
        "a dead lion",
        "phase three",
    ],
)
def test_not_found_in_what_resembles_it(matcher: Matcher, text: str) -> None:
    assert found(matcher, text) == []


def test_the_span_counts_the_words_as_written(matcher: Matcher) -> None:
    (match,) = matcher.find(["We", "can,", "100", "%,", "follow-up", "on", "the", "to-do", "list"], ALIKE)[:1]
    assert (match.phrase.text, match.first, match.last) == ("follow up", 4, 4)
    (match,) = matcher.find(["well", "I", "think", "we", "must", "follow", "up", "now"], ALIKE)
    assert (match.first, match.last, match.score) == (5, 6, 1.0)


def test_as_written_scores_above_other_forms_and_those_above_sounds(matcher: Matcher) -> None:
    scores = [
        matcher.find(text.split(), 0.7)[0].score
        for text in ("next slide", "next slides", "next light", "necks lie")
    ]
    assert scores[0] == 1.0
    assert scores[1] == INFLECTED
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_with_a_lower_bar_a_like_sound_is_enough(matcher: Matcher) -> None:
    assert found(matcher, "the next light", bar=0.75) == ["next slide"]
    assert found(matcher, "that to do less is", bar=0.75) == ["to-do list"]


def test_words_count_for_the_phrase_they_are_most_alike(matcher: Matcher) -> None:
    assert found(matcher, "stop recording", bar=0.6) == ["stop recording"]
    assert found(matcher, "please start recording", bar=0.6) == ["start recording"]


def test_a_phrase_within_another_is_found_too() -> None:
    matcher = Matcher((Phrase("recording", "c"), Phrase("stop recording", "c")), Pronunciations().of)
    assert sorted(found(matcher, "stop recording")) == ["recording", "stop recording"]


def test_two_phrases_of_one_text_are_both_found(matcher: Matcher) -> None:
    assert sorted(found(matcher, "the deadline is on the next slide")) == ["deadline", "next slide"]


def test_spoken_words_are_without_spelling_habits() -> None:
    assert spoken_words("To-do: 21 Caf\N{LATIN SMALL LETTER E WITH ACUTE}s, don't") == [
        "to",
        "do",
        "twenty",
        "one",
        "cafes",
        "don't",
    ]
    assert spoken_words("in 2026") == ["in", "two", "zero", "two", "six"]


@pytest.mark.parametrize(
    "forms",
    [
        ("slide", "slides", "sliding"),
        ("wrap", "wraps", "wrapped", "wrapping"),
        ("agree", "agrees", "agreed"),
        ("schedule", "scheduled", "scheduling"),
        ("meeting", "meetings"),
        ("mute", "muted", "mutes"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("next", "nest"), ("need", "net"), ("list", "less"), ("be", "bed")]
)
def test_other_words_have_other_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)
