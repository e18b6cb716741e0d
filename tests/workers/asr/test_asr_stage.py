import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.audio import ms_to_samples
from common.errors import InvalidMessage
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk, Window
from common.settings import AsrSettings, EmitterSettings, Settings
from common.stage import Entry, EntryId, Stream
from workers.asr.frontend import log_mel, raw_samples
from workers.asr.pool import build
from workers.asr.schedule import Schedule
from workers.asr.stage import AsrStage
from workers.engines.log_mel import LogMel

ANA = Track(Meeting("default", "standup"), "ana", Speaker("1", "Ana"))
BEN = Track(Meeting("default", "standup"), "ben", Speaker("2", "Ben"))
FRONTENDS = {"log-mel": log_mel(80), "samples": raw_samples()}
SCHEDULE = Schedule(step=ms_to_samples(100), least=ms_to_samples(400))
START = 12_345


@functools.cache
def speech(samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    return (rng.standard_normal(samples) * 3000).astype(np.int16)


def utterance(sizes, *, track=ANA, start=START, closed="endpoint", silence=0):
    """Chunks of the given sizes in samples, the last of which closes the utterance."""
    audio, offset, chunks = speech(sum(sizes)), start, []
    voiced_end = start + sum(sizes) - silence
    for size in sizes:
        end = offset + size
        pcm = audio[offset - start : end - start].tobytes()
        captured_ms = 1_000_000 + end // 16
        chunks.append(
            SpeechChunk(
                track, track.utterance_id(start), start, offset, min(end, voiced_end), captured_ms, pcm
            )
        )
        offset = end
    return [*chunks[:-1], replace(chunks[-1], closed=closed)]


def new_stage(frontend="log-mel"):
    return AsrStage(FRONTENDS[frontend], SCHEDULE, patience_ms=60_000)


def windows_of(chunks, ledger, as_entries, frontend="log-mel") -> list[Window]:
    shard = ledger(lambda: new_stage(frontend))
    for entry in as_entries(chunks, Stream.SPEECH):
        shard.deliver([entry])
    assert not shard.pending
    assert not shard.watermarks
    return shard.messages()


def features(windows, dtype=np.float16, mels=80):
    return np.concatenate([np.frombuffer(w.payload, dtype).reshape(-1, mels) for w in windows])


def test_windows_carry_the_features_of_the_whole_utterance_once(ledger, as_entries):
    windows = windows_of(utterance([3200, *[1600] * 12]), ledger, as_entries)
    mel = LogMel()
    audio = speech(3200 + 12 * 1600)
    assert np.array_equal(features(windows), np.concatenate([mel.push(audio), mel.flush()]))
    assert [w.offset for w in windows[1:]] == [w.end for w in windows[:-1]]
    assert (windows[0].offset, windows[-1].end) == (START, START + audio.size)


def test_samples_travel_as_they_are(ledger, as_entries):
    windows = windows_of(utterance([3200, *[1600] * 12]), ledger, as_entries, "samples")
    assert b"".join(w.payload for w in windows) == speech(3200 + 12 * 1600).tobytes()


def test_a_partial_is_due_where_speech_has_grown_and_a_final_at_the_end(ledger, as_entries):
    windows = windows_of(utterance([1600] * 8, silence=ms_to_samples(250)), ledger, as_entries)
    assert [(w.due, (w.end - START) // 16) for w in windows] == [
        ("", 100),
        ("", 200),
        ("", 300),
        ("partial", 400),
        ("partial", 500),
        ("partial", 600),
        ("", 700),
        ("", 800),
        ("final", 800),
    ]


def test_a_window_says_when_its_last_sample_and_the_end_of_speech_were_captured(ledger, as_entries):
    windows = windows_of(utterance([4000] * 3, silence=1600), ledger, as_entries)
    assert [w.captured_ms - 1_000_000 for w in windows] == [w.end // 16 for w in windows]
    assert windows[-1].voiced_end_captured_ms - 1_000_000 == (START + 12_000 - 1600) // 16


def test_an_utterance_without_samples_or_shorter_than_a_frame_has_its_final(ledger, as_entries):
    for sizes in ([0], [100], [100, 0]):
        (window,) = windows_of(utterance(sizes), ledger, as_entries)
        assert window.due == "final"


def test_only_what_the_next_window_needs_stays_pending(ledger, as_entries):
    shard = ledger(new_stage)
    for entry in as_entries(utterance([800] * 200), Stream.SPEECH)[:-1]:
        shard.deliver([entry])
        assert len(shard.pending) <= 4


chunk_sizes = st.lists(st.integers(0, 3000), min_size=1, max_size=40)
crashes = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["", "", "before", "after"])), min_size=1)


@given(
    ana=chunk_sizes,
    ben=chunk_sizes,
    silence=st.integers(0, 2000),
    plan=crashes,
    frontend=st.sampled_from(sorted(FRONTENDS)),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_crashes_the_windows_are_the_same(*, ledger, as_entries, ana, ben, silence, plan, frontend):
    chunks = []
    both = [utterance(ana, silence=min(silence, sum(ana))), utterance(ben, track=BEN, start=777)]
    for i in range(max(map(len, both))):
        chunks += [u[i] for u in both if i < len(u)]
    entries = as_entries(chunks, Stream.SPEECH)
    undisturbed = ledger(lambda: new_stage(frontend))
    undisturbed.deliver(entries)

    shard = ledger(lambda: new_stage(frontend))
    at = 0
    for step in range(1000):
        size, crash = plan[step % len(plan)] if step < 60 else (6, "")
        shard.deliver(entries[at : at + size], lost=crash == "before")
        if crash == "after":
            shard.crash()
        at += size
        if at >= len(entries) and not shard.again:
            break

    for track in (ANA, BEN):
        expected = [m for m in undisturbed.messages() if m.track == track]
        assert [m for m in shard.messages() if m.track == track] == expected
    assert not shard.pending
    assert not shard.watermarks


def test_an_utterance_whose_end_never_comes_is_finished_by_time(ledger, as_entries):
    shard = ledger(new_stage)
    shard.deliver(as_entries(utterance([1600] * 5), Stream.SPEECH)[:-1], now_ms=0)
    shard.settle(now_ms=60_000)
    assert [(w.end - START) // 16 for w in shard.messages()] == [100, 200, 300, 400]
    shard.settle(now_ms=60_001)
    assert [(w.due, w.end) for w in shard.messages()][4:] == [("final", START + 4 * 1600)]
    assert not shard.pending
    assert not shard.watermarks


def test_a_chunk_given_up_as_poison_becomes_silence(ledger, as_entries):
    chunks = utterance([1600] * 8)
    windows = windows_of([*chunks[:2], *chunks[3:]], ledger, as_entries, "samples")
    heard = np.frombuffer(b"".join(w.payload for w in windows), np.int16)
    expected = speech(8 * 1600).copy()
    expected[3200:4800] = 0
    assert np.array_equal(heard, expected)


@pytest.mark.parametrize("moved", [-1600, 16_000 * 31])
def test_a_chunk_that_cannot_follow_is_refused(moved, as_entries):
    stage = new_stage()
    chunks = utterance([1600] * 3)
    chunks[1] = replace(chunks[1], offset=chunks[1].offset + moved)
    with pytest.raises(InvalidMessage, match="expected"):
        stage.process(as_entries(chunks, Stream.SPEECH), 0)


def test_a_message_of_another_kind_is_refused(ledger, as_entries):
    (window,) = windows_of(utterance([100]), ledger, as_entries)
    with pytest.raises(InvalidMessage, match="Window on the stream speech"):
        new_stage().process(as_entries([window], Stream.SPEECH), 0)


def test_a_released_shard_is_forgotten_and_others_are_not(as_entries):
    stage = new_stage()
    chunks = utterance([1600] * 3)
    for shard in (1, 2):
        stage.process([Entry(EntryId(shard, Stream.SPEECH, "1-0"), chunks[0])], 0)
    stage.release(1)
    effects = stage.process([], 10**9).effects
    assert {effect.shard for effect in effects if hasattr(effect, "shard")} == {2}


@pytest.mark.parametrize(("engine", "encoding"), [("whisper", "log_mel_f16"), ("wav2vec2", "pcm_s16le")])
def test_the_features_suit_the_emitters_engine(engine, encoding, ledger, as_entries):
    tree = Settings(asr=AsrSettings(window_ms=100), emitter=EmitterSettings(engine=engine))
    shard = ledger(lambda: build(tree))
    shard.deliver(as_entries(utterance([1600] * 3), Stream.SPEECH))
    windows = shard.messages()
    assert {w.encoding for w in windows} == {encoding}
    assert [(w.end - START) // 16 for w in windows] == [100, 200, 300, 300]
