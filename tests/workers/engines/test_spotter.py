"""The spotter finds phrases in speech, the same however it comes and whoever else is heard."""

from collections.abc import Sequence

import pytest

from common.audio import SAMPLE_RATE
from common.errors import EngineError
from tests.workers.real_speech import turn
from workers.engines.cmudict import Pronunciations
from workers.engines.sphinx_model import load_model
from workers.engines.spotter import Spottable, Spotted, Spotter, Spotting

WAYS = Pronunciations()
NEXT_SLIDE, OTHER = 4, 5
PHRASES = {
    "next slide": Spottable((("N", "EH", "K", "S", "T", "S", "L", "AY", "D"),), 1e-16),
    "action item": Spottable((("AE", "K", "SH", "AH", "N", "AY", "T", "AH", "M"),), 1e-16),
}


@pytest.fixture(scope="module")
def with_phrase() -> bytes:
    return turn(NEXT_SLIDE).tobytes()


@pytest.fixture(scope="module")
def without() -> bytes:
    return turn(OTHER).tobytes()


@pytest.fixture(scope="module")
def spotter() -> Spotter:
    return Spotter(load_model(), PHRASES)


def heard(spotter: Spotter, pcm: bytes, step: int = 3200) -> list[Spotted]:
    spotting, found = spotter.listen(), list[Spotted]()
    for at in range(0, len(pcm), step):
        spotting.push(pcm[at : at + step])
        spotter.work()
        found += spotting.take()
    return found + the_rest(spotter, spotting)


def the_rest(spotter: Spotter, spotting: Spotting) -> list[Spotted]:
    spotting.finish()
    spotter.work()
    assert spotting.over
    return spotting.take()


def times_of(found: Sequence[Spotted], phrase: str) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found if one.phrase == phrase]


def test_a_phrase_is_found_where_it_is_said(spotter: Spotter, with_phrase: bytes) -> None:
    """ "… it is working very well. Next slide, please." """
    found = heard(spotter, with_phrase)
    ((start, end),) = times_of(found, "next slide")
    length = len(with_phrase) // 2
    assert length - 1.8 * SAMPLE_RATE < start < end < length
    assert all(one.end <= one.noticed <= one.end + SAMPLE_RATE // 10 for one in found)


def test_other_speech_holds_none(spotter: Spotter, without: bytes) -> None:
    assert times_of(heard(spotter, without), "next slide") == []


def test_a_phrase_in_the_last_moment_is_found(spotter: Spotter, with_phrase: bytes) -> None:
    ((_, end),) = times_of(heard(spotter, with_phrase), "next slide")
    cut = with_phrase[: 2 * (end + SAMPLE_RATE // 20)]
    assert times_of(heard(spotter, cut), "next slide")


def test_what_is_noticed_is_told_with_the_audio_that_shows_it(spotter: Spotter, with_phrase: bytes) -> None:
    spotting = spotter.listen()
    for at in range(0, len(with_phrase), 1000):
        before = spotting.heard
        spotting.push(with_phrase[at : at + 1000])
        spotter.work()
        assert all(before < one.noticed <= spotting.heard for one in spotting.take())


@pytest.mark.parametrize("step", [640, 2222, 32_000, 1_000_000])
def test_the_cut_of_the_audio_changes_nothing(spotter: Spotter, with_phrase: bytes, step: int) -> None:
    assert heard(spotter, with_phrase, step) == heard(spotter, with_phrase)


def test_what_was_heard_before_changes_nothing(spotter: Spotter, with_phrase: bytes, without: bytes) -> None:
    fresh = heard(spotter, with_phrase)
    for before in (without, with_phrase[:9998], bytes(64_000)):
        heard(spotter, before)
        assert heard(spotter, with_phrase) == fresh


def test_utterances_at_once_do_not_mix(spotter: Spotter, with_phrase: bytes, without: bytes) -> None:
    """Whenever they begin, and however much of each comes at a time."""
    alone, nothing = heard(spotter, with_phrase), heard(spotter, without)
    first, second, third = spotter.listen(), spotter.listen(), spotter.listen()
    found: dict[Spotting, list[Spotted]] = {first: [], second: [], third: []}
    for turn_, at in enumerate(range(0, len(with_phrase), 3200)):
        first.push(with_phrase[at : at + 3200])
        second.push(without[4 * at : 4 * at + 12_800])
        if turn_ % 7 == 0:
            third.push(with_phrase[at : at + 7 * 3200])
        spotter.work()
        for spotting in found:
            found[spotting] += spotting.take()
    for spotting in found:
        found[spotting] += the_rest(spotter, spotting)
    assert list(found.values()) == [alone, nothing, alone]


def test_of_one_that_was_given_up_nothing_more_is_told(spotter: Spotter, with_phrase: bytes) -> None:
    spotting = spotter.listen()
    spotting.push(with_phrase)
    spotting.give_up()
    spotter.work()
    assert spotting.take() == []


@pytest.mark.parametrize("length", [0, 1, 409, 410, 570, 571])
def test_a_short_utterance_is_no_trouble(spotter: Spotter, length: int) -> None:
    assert heard(spotter, bytes(2 * length)) == []


def test_a_phrase_is_found_at_less_cost_too(spotter: Spotter, with_phrase: bytes, without: bytes) -> None:
    found = []
    for pcm in (with_phrase, without):
        spotting = spotter.listen()
        spotting.push(pcm)
        spotter.work(thrifty=True)
        found.append([one.phrase for one in spotting.take() if one.phrase == "next slide"])
        the_rest(spotter, spotting)
    assert found == [["next slide"], []]


def test_with_nothing_to_spot_nothing_is_found(with_phrase: bytes) -> None:
    assert heard(Spotter(load_model(), {}), with_phrase) == []


def test_a_phone_that_the_model_lacks_is_named() -> None:
    with pytest.raises(EngineError, match="XX"):
        Spotter(load_model(), {"odd": Spottable((("S", "XX"),), 1e-16)})


def test_pronunciations_come_from_the_dictionary() -> None:
    assert WAYS.of("slide") == (("S", "L", "AY", "D"),)
    assert len(WAYS.of("the")) > 1
    assert WAYS.of("let's") == (("L", "EH", "T", "S"),)
    assert WAYS.of("hubbubber") == ()
    assert WAYS.of("") == ()
