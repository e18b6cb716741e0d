import numpy as np
import pytest

from workers.engines.ctc import Labels, best_path

LABELS = Labels(("-", "|", "E", "T", "S"))


def emissions(path: str, probability: float = 0.9) -> np.ndarray:
    """Log probabilities whose best label in each frame is the letter of `path`."""
    rest = (1 - probability) / (len(LABELS.symbols) - 1)
    table = np.full((len(path), len(LABELS.symbols)), np.log(rest), np.float32)
    table[range(len(path)), [LABELS.symbols.index(symbol) for symbol in path]] = np.log(probability)
    return table


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
    assert best_path(emissions(path), LABELS, 0.02).text == text


def test_words_have_the_times_of_their_letters():
    first, second = best_path(emissions("--T-E-|--SS-"), LABELS, 0.02).words
    assert (first.text, first.start_s, first.end_s) == ("te", 0.04, pytest.approx(0.10))
    assert (second.text, second.start_s, second.end_s) == ("s", pytest.approx(0.18), pytest.approx(0.22))


def test_probability_is_the_mean_of_the_frames_of_the_word():
    sure, unsure = emissions("TT|"), emissions("E-S", 0.5)
    words = best_path(np.concatenate([sure, unsure]), LABELS, 0.02).words
    assert [word.probability for word in words] == pytest.approx([0.9, 0.5])
