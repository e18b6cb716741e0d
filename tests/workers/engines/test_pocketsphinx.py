"""The spotter finds phrases in speech, the same however it comes, and reuses its decoders."""

import json
from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np
import pytest
import soundfile
import soxr

from common.audio import SAMPLE_RATE
from workers.engines.pocketsphinx import BLOCK_SAMPLES, Pronunciations, Spottable, Spotted, Spotter

WAYS = Pronunciations()
PHRASES = {
    "next slide": Spottable((("N", "EH", "K", "S", "T", "S", "L", "AY", "D"),), 1e-40),
    "action item": Spottable((("AE", "K", "SH", "AH", "N", "AY", "T", "AH", "M"),), 1e-40),
}


def turn(number: int) -> bytes:
    """What one speaker of the demonstration meeting says at a time."""
    folder = files("ingest.demo")
    script = json.loads(folder.joinpath("meeting.json").read_text("utf-8"))
    with as_file(folder.joinpath("meeting.ogg")) as path:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    said = script["turns"][number]
    piece = samples[rate * said["start_ms"] // 1000 : rate * said["end_ms"] // 1000].mean(axis=1)
    return (soxr.resample(piece, rate, SAMPLE_RATE) * 32767).astype(np.int16).tobytes()


@pytest.fixture(scope="module")
def with_phrase() -> bytes:
    return turn(4)


@pytest.fixture(scope="module")
def without() -> bytes:
    return turn(5)


def heard(spotter: Spotter, pcm: bytes, step: int = 2 * BLOCK_SAMPLES) -> list[Spotted]:
    spotting = spotter.listen()
    found = [one for at in range(0, len(pcm), step) for one in spotting.push(pcm[at : at + step])]
    return found + spotting.close()


def times_of(found: Sequence[Spotted], phrase: str) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found if one.phrase == phrase]


def test_a_phrase_is_found_where_it_is_said(with_phrase: bytes) -> None:
    """ "… it is working very well. Next slide, please." """
    found = heard(Spotter(PHRASES), with_phrase)
    ((start, end),) = times_of(found, "next slide")[:1]
    length = len(with_phrase) // 2
    assert length - 1.8 * SAMPLE_RATE < start < end < length
    assert all(one.end <= one.noticed <= one.end + SAMPLE_RATE // 10 for one in found)


def test_other_speech_holds_none(without: bytes) -> None:
    assert times_of(heard(Spotter(PHRASES), without), "next slide") == []


def test_a_phrase_in_the_last_moment_is_found(with_phrase: bytes) -> None:
    ((_, end),) = times_of(heard(Spotter(PHRASES), with_phrase), "next slide")[:1]
    cut = with_phrase[: 2 * (end + SAMPLE_RATE // 20)]
    assert times_of(heard(Spotter(PHRASES), cut), "next slide")


@pytest.mark.parametrize("step", [640, 2222, 32_000, 1_000_000])
def test_the_cut_of_the_audio_changes_nothing(with_phrase: bytes, step: int) -> None:
    assert heard(Spotter(PHRASES), with_phrase, step) == heard(Spotter(PHRASES), with_phrase)


def test_what_was_heard_before_changes_nothing(with_phrase: bytes, without: bytes) -> None:
    spotter = Spotter(PHRASES)
    fresh = heard(spotter, with_phrase)
    for before in (without, with_phrase[:9999], bytes(64_000)):
        heard(spotter, before)
        assert heard(spotter, with_phrase) == fresh


def test_utterances_at_once_do_not_mix_and_lend_one_another_their_decoders(
    with_phrase: bytes, without: bytes
) -> None:
    spotter = Spotter(PHRASES)
    alone = heard(spotter, with_phrase)
    one, other = spotter.listen(), spotter.listen()
    found = []
    for at in range(0, len(with_phrase), 3200):
        found += one.push(with_phrase[at : at + 3200])
        other.push(without[at : at + 3200])
    other.close()
    assert found + one.close() == alone
    assert len(spotter._idle) == 2


def test_an_empty_utterance_is_no_trouble() -> None:
    spotter = Spotter(PHRASES)
    assert spotter.listen().close() == []
    assert heard(spotter, bytes(100)) == []


def test_with_nothing_to_spot_nothing_is_found(with_phrase: bytes) -> None:
    assert heard(Spotter({}), with_phrase) == []


def test_pronunciations_come_from_the_dictionary() -> None:
    assert WAYS.of("slide") == (("S", "L", "AY", "D"),)
    assert len(WAYS.of("the")) > 1
    assert WAYS.of("let's") == (("L", "EH", "T", "S"),)
    assert WAYS.of("hubbubber") == ()
    assert WAYS.of("") == ()
