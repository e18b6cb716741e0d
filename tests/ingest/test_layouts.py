"""From messages to tracks: chunks, labels, holes, ends."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from common.identity import Meeting, Speaker
from common.messages import AudioChunk
from ingest.feed import Moment
from ingest.formats.values import Audio
from ingest.labels import NOBODY
from ingest.layouts import Cutting, IsolatedTracks, Layout, MixedTracks, Taken, Timeline
from ingest.pcm import PcmFormat
from ingest.refusals import Reason, Refused
from ingest.tracks import ChunkSize

MEETING = Meeting("default", "weekly")
ANN, BO = Speaker("a", "Ann"), Speaker("b", "Bo")
FORMAT = PcmFormat(16_000)
CUTTING = Cutting(ChunkSize.of_ms(40, 100), gap_samples=32_000, hangover_samples=16_000, max_tracks=3)
NOW = 1_700_000_000_000
NOISE = np.random.default_rng(2).integers(-20_000, 20_000, 200_000).astype("<i2").tobytes()


def isolated(ends: dict[str, int] | None = None, *, started_at_ms: int = NOW) -> IsolatedTracks:
    return IsolatedTracks(Timeline(MEETING, started_at_ms, ends or {}), CUTTING, ANN)


def mixed(ends: dict[str, int] | None = None) -> MixedTracks:
    return MixedTracks(Timeline(MEETING, NOW, ends or {}), CUTTING)


def message(ms: int, speaker: Speaker | None = None, **rest: int) -> Audio:
    return Audio(NOISE[: 32 * ms], FORMAT, speaker, **rest)


def play(layout: Layout, parts: Sequence[tuple[Speaker | None, int]], *, now_ms: int = NOW) -> list[Taken]:
    """In real time: each message arrives when its last sample has been captured."""
    taken = []
    for speaker, ms in parts:
        now_ms += ms
        taken.append(layout.take(message(ms, speaker), Moment(now_ms)))
    return taken


def chunks_of(taken: Sequence[Taken]) -> list[AudioChunk]:
    return [chunk for step in taken for chunk in step.chunks]


def spans(chunks: Sequence[AudioChunk]) -> list[tuple[str, int, int, str]]:
    """Chunks of a track that follow each other, joined: track, start and end in ms, how it stopped."""
    found: list[tuple[str, int, int, str]] = []
    for chunk in chunks:
        start, end = chunk.offset // 16, chunk.end // 16
        if found and found[-1][0] == chunk.track.id and found[-1][2] == start and not found[-1][3]:
            start = found.pop()[1]
        found.append((chunk.track.id, start, end, chunk.pause))
    return found


def test_chunks_are_sent_as_soon_as_they_are_long_enough() -> None:
    layout = isolated()
    lengths = [
        [c.end - c.offset for c in t.chunks]
        for t in play(layout, [(None, ms) for ms in (20, 30, 250, 39, 1)])
    ]
    assert lengths == [[], [800], [1600, 1600, 800], [], [640]]


def test_chunk_knows_when_its_last_sample_was_captured() -> None:
    (taken,) = play(isolated(), [(None, 250)])
    assert [c.captured_ms - NOW for c in taken.chunks] == [100, 200, 250]


def test_numbered_audio_does_not_wait_for_more() -> None:
    taken = isolated().take(message(20, seq=1), Moment(NOW))
    assert [c.end for c in taken.chunks] == [320]


def test_first_speaker_of_a_meeting_begins_at_zero_and_a_later_one_in_time() -> None:
    first = isolated().take(message(100), Moment(NOW + 100))
    late = isolated().take(message(100, BO), Moment(NOW + 7_100))
    assert [first.chunks[0].offset, late.chunks[0].offset] == [0, 7_000 * 16]


def test_nothing_begins_before_what_is_there_already() -> None:
    taken = isolated({"a": 999_000, "b": 5}).take(message(100), Moment(NOW + 100))
    assert taken.chunks[0].offset == 999_000
    both = mixed({"a": 10, "b": 777_000}).take(message(100, ANN), Moment(NOW + 100))
    assert both.chunks[0].offset == 777_000


def test_every_speaker_of_an_isolated_source_has_a_clock() -> None:
    layout = isolated()
    play(layout, [(ANN, 100)])
    taken = layout.take(message(100, BO), Moment(NOW + 3_100))
    assert [(j.track.id, j.at) for j in taken.joined] == [("b", 48_000)]
    again = layout.take(message(100, ANN), Moment(NOW + 6_100))
    assert spans(again.chunks) == [("a", 100, 100, "pause"), ("a", 6_000, 6_100, "")]
    assert again.gaps == []  # who is silent may send nothing


def test_a_hole_in_a_source_without_labels_is_a_gap() -> None:
    layout = isolated()
    play(layout, [(None, 100)])
    taken = layout.take(message(100), Moment(NOW + 5_100))
    assert [(g.start, g.end, g.why) for g in taken.gaps] == [(1_600, 80_000, "no audio came")]
    assert spans(taken.chunks) == [("a", 100, 100, "pause"), ("a", 5_000, 5_100, "")]


def test_missing_numbers_are_a_gap_in_any_source() -> None:
    layout = isolated()
    layout.take(message(100, BO, seq=1), Moment(NOW + 100))
    taken = layout.take(message(100, BO, seq=3), Moment(NOW + 200, missing=1))
    assert [(g.track.id, g.start, g.end) for g in taken.gaps] == [("b", 1_600, 3_200)]


def test_label_that_moves_on_ends_the_stretch() -> None:
    layout = mixed()
    taken = play(layout, [(ANN, 130), (ANN, 30), (BO, 70), (ANN, 100)])
    assert spans(chunks_of(taken)) == [
        ("a", 0, 160, "pause"),
        ("b", 160, 230, "pause"),
        ("a", 230, 330, ""),
    ]
    assert [j.track.speaker for t in taken for j in t.joined] == [ANN, BO]


def test_pause_of_speech_stays_with_the_speaker_and_a_long_one_does_not() -> None:
    taken = play(mixed(), [(ANN, 200), (None, 900), (ANN, 100), (None, 1_500), (BO, 100)])
    assert spans(chunks_of(taken)) == [
        ("a", 0, 2_200, "pause"),
        (NOBODY.id, 2_200, 2_700, "pause"),
        ("b", 2_700, 2_800, ""),
    ]


def test_hole_in_the_mix_is_a_gap_of_the_speaker_after_it() -> None:
    layout = mixed()
    play(layout, [(ANN, 100)])
    taken = layout.take(message(100, BO), Moment(NOW + 5_100))
    assert [(g.track.id, g.start, g.end) for g in taken.gaps] == [("b", 1_600, 80_000)]
    assert spans(taken.chunks) == [("a", 100, 100, "pause"), ("b", 5_000, 5_100, "")]


def test_all_tracks_end_where_they_stopped() -> None:
    for layout in (mixed(), isolated()):
        chunks = chunks_of(play(layout, [(ANN, 110), (BO, 50)])) + layout.flush().chunks + layout.finish()
        ends = {chunk.track.id: chunk for chunk in chunks if chunk.pause == "end"}
        assert set(ends) == {"a", "b"}
        assert all(c.offset <= ends[c.track.id].end for c in chunks)
        assert sum(len(c.pcm) for c in chunks) == 160 * 32


def test_source_that_comes_back_goes_on_with_a_hole() -> None:
    layout = mixed()
    chunks = chunks_of(play(layout, [(ANN, 100)])) + layout.flush().chunks
    layout.resume(PcmFormat(8_000))
    taken = layout.take(Audio(bytes(1_600), PcmFormat(8_000), ANN), Moment(NOW + 1_100))
    rest = layout.flush()
    assert spans(chunks + taken.chunks + rest.chunks) == [("a", 0, 100, "pause"), ("a", 1_000, 1_100, "")]
    assert [g.why for g in taken.gaps + rest.gaps] == ["the connection was lost"]


def test_name_learned_late_is_used() -> None:
    taken = play(mixed(), [(Speaker("a", "a"), 100), (ANN, 100)])
    assert [c.track.speaker.name for c in chunks_of(taken)] == ["a", "Ann"]
    assert sum(len(t.joined) for t in taken) == 1


@pytest.mark.parametrize("layout", [mixed(), isolated()])
def test_speakers_are_bounded(layout: Layout) -> None:
    with pytest.raises(Refused) as refused:
        play(layout, [(Speaker(f"s{n}", "x"), 20) for n in range(4)])
    assert refused.value.reason is Reason.TOO_MANY


@example_settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([ANN, BO, None]), st.integers(1, 3_000)), min_size=1, max_size=25),
    st.sampled_from([8_000, 16_000, 48_000]),
)
def test_mixed_audio_comes_out_whole_and_in_order(parts: list[tuple[Speaker | None, int]], rate: int) -> None:
    """However messages are cut, every sample is in one track, at its place, and tracks stay in order."""
    layout, pcm_format, at = mixed(), PcmFormat(rate), 0
    chunks = []
    for speaker, frames in parts:
        chunks += layout.take(Audio(NOISE[at : at + 2 * frames], pcm_format, speaker), Moment(NOW)).chunks
        at += 2 * frames
    chunks += layout.flush().chunks + layout.finish()
    placed = sorted((c.offset, c.pcm) for c in chunks if c.pcm)
    position = placed[0][0] if placed else 0
    for offset, pcm in placed:
        assert offset == position
        assert len(pcm) <= 3_200
        position += len(pcm) // 2
    assert position - (placed[0][0] if placed else 0) == at // 2 * 16_000 // rate
    for track in {c.track.id for c in chunks}:
        own = [c for c in chunks if c.track.id == track]
        assert all(a.end <= b.offset for a, b in pairwise(own))
        assert all(a.captured_ms <= b.captured_ms for a, b in pairwise(own))
        assert all(a.end == b.offset or a.pause for a, b in pairwise(own))
        assert own[-1].pause == "end"
    if rate == 16_000:
        assert b"".join(pcm for _, pcm in placed) == NOISE[:at]
