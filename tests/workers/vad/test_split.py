import numpy as np

from workers.vad.split import STRETCH, QuietPlace


def loud(level: int, stretches: int = 1) -> np.ndarray:
    return np.full(STRETCH * stretches, level, np.int16)


SAID = np.concatenate([loud(level) for level in range(100, 10_100, 100)])


def test_a_pause_is_taken_at_once() -> None:
    assert QuietPlace(SAID).here(loud(50), places_left=40)


def test_with_many_places_left_a_middling_one_is_passed_over() -> None:
    assert not QuietPlace(SAID).here(loud(3000), places_left=40)


def test_the_fewer_places_are_left_the_less_quiet_it_has_to_be() -> None:
    taken = [QuietPlace(SAID).here(loud(3000), places_left=left) for left in (20, 10, 5, 2, 1)]
    assert taken == [False, False, False, True, True]


def test_the_last_place_is_taken_however_loud() -> None:
    assert QuietPlace(SAID).here(loud(20_000), places_left=0)
