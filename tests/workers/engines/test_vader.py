import pytest

pytest.importorskip("vaderSentiment")

from workers.engines.vader import Vader


@pytest.fixture(scope="module")
def vader() -> Vader:
    return Vader.load()


def test_texts_are_ordered_from_unhappy_to_happy(vader: Vader) -> None:
    scores = vader.polarities(
        [
            "This is a terrible disaster and I hate it.",
            "I am a bit worried about the date.",
            "The meeting starts at nine.",
            "That is a good idea.",
            "This is absolutely wonderful, I love it!",
        ]
    )
    assert scores == sorted(scores)
    assert scores[0] < -0.6
    assert scores[2] == 0
    assert scores[4] > 0.6


def test_negation_turns_the_meaning(vader: Vader) -> None:
    plain, negated = vader.polarities(["I am happy with this.", "I am not happy with this."])
    assert negated < 0 < plain


@pytest.mark.parametrize("text", ["", "   ", "…", "\x00", "👍" * 500, "ß∂ƒ", "a" * 20_000])
def test_any_text_has_a_polarity(vader: Vader, text: str) -> None:
    (score,) = vader.polarities([text])
    assert -1 <= score <= 1


def test_no_text_has_no_result(vader: Vader) -> None:
    assert vader.polarities([]) == []
