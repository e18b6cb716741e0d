import pytest

from workers.vad.decision import Decider, Thresholds

THRESHOLDS = Thresholds(enter=0.3, stay=0.1, weak=0.5)
QUIET_ROOM, LOUD_ROOM = 1e-8, 1e-4


def settled(background: float) -> Decider:
    """A decider whose model has heard this background for 20 seconds."""
    decider = Decider(THRESHOLDS)
    decider.decide([(0.0, background)] * 600)
    return decider


@pytest.mark.parametrize(("probability", "speech"), [(0.31, True), (0.29, False)])
def test_speech_begins_at_the_threshold(probability: float, speech: bool) -> None:
    assert settled(QUIET_ROOM).decide([(probability, 1e-3)]) == [speech]


def test_speech_that_stands_out_goes_on_at_a_low_probability() -> None:
    assert settled(QUIET_ROOM).decide([(0.9, 1e-3), (0.15, 1e-3), (0.05, 1e-3)]) == [True, True, False]


def test_speech_that_sinks_into_the_background_ends() -> None:
    assert settled(QUIET_ROOM).decide([(0.9, 1e-3), (0.4, 2e-7)]) == [True, False]


def test_in_a_loud_room_what_does_not_stand_out_must_be_clearer() -> None:
    assert settled(LOUD_ROOM).decide([(0.4, 2e-4)]) == [False]
    assert settled(LOUD_ROOM).decide([(0.4, 1e-2)]) == [True]


def test_in_a_loud_room_a_model_that_starts_afresh_is_not_trusted() -> None:
    decider = settled(LOUD_ROOM)
    decider.start_afresh()
    assert decider.decide([(0.7, 1e-2)]) == [False]


def test_in_a_quiet_room_a_model_that_starts_afresh_is_trusted() -> None:
    decider = settled(QUIET_ROOM)
    decider.start_afresh()
    assert decider.decide([(0.7, 1e-2)]) == [True]
