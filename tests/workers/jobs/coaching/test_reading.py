"""Where in a text somebody reads."""

import pytest

from workers.jobs.coaching.reading import ReferenceText, Stretch

TEXT = "The cat sat on the mat. Then it didn\u2019t move at all, until the dog came home from the park."
REFERENCE = ReferenceText(TEXT)


def read(heard: str, after: int = 0) -> str | None:
    stretch = REFERENCE.find(heard, after)
    return " ".join(REFERENCE.words[stretch.start : stretch.end]) if stretch else None


def test_words_are_kept_as_written_and_compared_as_the_dictionary_has_them() -> None:
    assert REFERENCE.words[8] == "didn\u2019t"
    assert REFERENCE.keys[8] == "didn't"


@pytest.mark.parametrize(
    ("heard", "after", "expected"),
    [
        ("the cat sat on the mat", 0, "The cat sat on the mat"),
        ("The cat sad on the mat.", 0, "The cat sat on the mat"),  # a word in the middle
        ("Den it didn't move", 6, "Then it didn\u2019t move"),  # the first word
        ("until the doc", 12, "until the dog"),  # the last word
        ("um until the dog came", 12, "until the dog came"),  # a word that is not in the text
        ("the dog came home from the bark", 0, "the dog came home from the park"),  # far ahead
    ],
)
def test_a_misheard_word_is_still_the_one_that_was_read(heard: str, after: int, expected: str) -> None:
    assert read(heard, after) == expected


def test_something_else_is_not_read_from_the_text() -> None:
    assert read("what shall we have for lunch today") is None


def test_of_equal_places_the_one_that_is_next_counts() -> None:
    again = ReferenceText("row row row your boat gently down the stream " * 20)
    stretch = again.find("gently down the stream", 9 * 7 + 5)
    assert stretch == Stretch(9 * 7 + 5, 9 * 8, 0)


def test_words_left_out_are_counted() -> None:
    stretch = REFERENCE.find("until the dog came home", 6)
    assert stretch is not None
    assert stretch.skipped == 6
