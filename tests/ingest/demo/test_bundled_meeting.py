"""The bundled meeting fits its description, so that whoever measures by it measures right."""

from itertools import pairwise

import numpy as np
import pytest

from ingest.demo.meeting import BundledMeeting, load_meeting, programme, read_audio


@pytest.fixture(scope="module")
def meeting() -> BundledMeeting:
    return load_meeting()


@pytest.fixture(scope="module")
def levels() -> np.ndarray:
    """dBFS of each 20 ms of the audio."""
    audio, rate = read_audio()
    frame = rate // 50
    frames = (audio[: len(audio) // frame * frame] / 32768).reshape(-1, frame)
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-12)


def between(levels: np.ndarray, start_ms: int, end_ms: int) -> np.ndarray:
    return levels[start_ms // 20 : end_ms // 20]


def test_is_long_enough_and_has_several_voices(meeting):
    assert 90_000 <= meeting.duration_ms <= 120_000
    assert len({turn.speaker for turn in meeting.turns}) >= 3
    assert {turn.mood for turn in meeting.turns} == {"neutral", "upbeat", "unhappy"}


def test_audio_lasts_as_long_as_it_says_and_does_not_clip(meeting):
    audio, rate = read_audio()
    assert audio.ndim == 1
    assert len(audio) * 1000 // rate == meeting.duration_ms
    assert np.abs(audio).max() < 0.9 * 32768


def test_labels_cover_the_whole_audio_without_a_hole(meeting):
    assert meeting.labels[0].start_ms == 0
    assert meeting.labels[-1].end_ms == meeting.duration_ms
    assert all(before.end_ms == after.start_ms for before, after in pairwise(meeting.labels))
    assert all(before.speaker != after.speaker for before, after in pairwise(meeting.labels))


def test_who_speaks_is_labelled(meeting):
    for turn in meeting.turns:
        labelled = sum(
            min(label.end_ms, turn.end_ms) - max(label.start_ms, turn.start_ms)
            for label in meeting.labels
            if label.speaker == turn.speaker and label.start_ms < turn.end_ms and label.end_ms > turn.start_ms
        )
        assert labelled >= 0.9 * (turn.end_ms - turn.start_ms), turn


def test_it_is_quiet_where_nobody_is_labelled_and_loud_where_somebody_speaks(meeting, levels):
    silences = [label for label in meeting.labels if label.speaker is None]
    assert len(silences) >= 5
    for label in silences:
        assert between(levels, label.start_ms, label.end_ms).max() < -50, label
    for turn in meeting.turns:
        assert between(levels, turn.start_ms, turn.end_ms).max() > -25, turn


def test_two_short_overlaps(meeting):
    overlaps = [before.end_ms - after.start_ms for before, after in pairwise(meeting.turns)]
    assert sum(100 < overlap < 500 for overlap in overlaps) == 2
    assert max(overlaps) < 500


def test_keywords_lie_in_the_turns_that_say_them(meeting):
    assert len({phrase.phrase for phrase in meeting.keywords}) >= 5
    for phrase in meeting.keywords:
        turn = meeting.turns[phrase.turn]
        assert turn.start_ms <= phrase.start_ms < phrase.end_ms <= turn.end_ms
        assert phrase.phrase in turn.text.casefold()


def test_it_is_played_whole_and_labelled(meeting):
    played = programme(meeting, 48_000)
    assert [segment.speaker for segment in played.segments] == [label.speaker for label in meeting.labels]
    assert played.seconds * 1000 == meeting.duration_ms
    loud = np.abs(played.segments[1].pcm.astype(int)).max()
    quiet = np.abs(played.segments[0].pcm.astype(int)).max()
    assert loud > 50 * quiet
