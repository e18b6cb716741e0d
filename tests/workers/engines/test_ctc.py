import numpy as np
import pytest

from workers.engines.ctc import Labels, best_path

LABELS = Labels(("-", "|", "E", "T", "S"))


def heard(path: str, probability: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """The letters of `path` as labels of the frames, and their log probabilities."""
    best = np.array([LABELS.symbols.index(symbol) for symbol in path], np.int16)
    return best, np.full(len(path), np.log(probability), np.float32)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("TEEST", "test"),
        ("T-EE-E-S|T", "tees t"),
        ("||-T--|-|E|", "t e"),
        ("-----", ""),
        ("", ""),
    ],
)
def test_repeats_join_unless_a_blank_is_between(path, text):
    assert best_path(*heard(path), LABELS, 0.02).text == text


def test_words_have_the_times_of_their_letters():
    first, second = best_path(*heard("--T-E-|--SS-"), LABELS, 0.02).words
    assert (first.text, first.start_s, first.end_s) == ("te", 0.04, pytest.approx(0.10))
    assert (second.text, second.start_s, second.end_s) == ("s", pytest.approx(0.18), pytest.approx(0.22))


def test_probability_is_the_mean_of_the_frames_of_the_word():
    parts = zip(heard("TT|"), heard("E-S", 0.5), strict=True)
    words = best_path(*map(np.concatenate, parts), LABELS, 0.02).words
    assert [word.probability for word in words] == pytest.approx([0.9, 0.5])
