import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engines.log_mel import LogMel, assemble, mel_filters


def speech_like(samples: int) -> np.ndarray:
    """A gliding buzz with pauses and a little noise, as int16."""
    rng = np.random.default_rng(7)
    t = np.arange(samples) / 16_000
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * np.sin(t)) * t)) * (np.sin(3 * t) > 0)
    return ((0.2 * buzz + 0.001 * rng.standard_normal(samples)) * 32767).astype(np.int16)


def features(samples: np.ndarray) -> np.ndarray:
    mel = LogMel()
    return np.concatenate([mel.push(samples), mel.flush()])


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(0, 5000))
@settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same_frames(cuts, total):
    samples = speech_like(total)
    mel = LogMel()
    pieces = np.split(samples, np.minimum(np.cumsum(cuts, dtype=int), total))
    split = np.concatenate([*(mel.push(piece) for piece in pieces), mel.flush()])
    assert np.array_equal(split, features(samples))


@pytest.mark.parametrize("samples", [1, 159, 200, 201, 16_000, 16_100, 80_000])
def test_assembled_it_is_what_faster_whisper_computes(samples):
    audio = speech_like(samples)
    expected = FeatureExtractor()(np.pad(audio, (0, max(0, 201 - samples))) / np.float32(32768))
    ours = features(audio)
    assert len(ours) == -(-samples // 160)
    assert np.abs(assemble(ours, len(ours)) - expected[:, : len(ours)]).max() < 2e-3


def test_filters_are_the_reference_filters():
    for mels in (80, 128):
        reference = FeatureExtractor.get_mel_filters(16_000, 400, mels)
        np.testing.assert_allclose(mel_filters(mels).T, reference, atol=1e-9)


def test_frames_come_as_soon_as_they_are_complete():
    mel = LogMel()
    audio = speech_like(16_000)
    assert len(mel.push(audio[:200])) == 0
    assert len(mel.push(audio[200:360])) == 2
    assert len(mel.push(audio[360:])) == 97


def test_flush_starts_afresh_and_nothing_heard_has_no_frames():
    mel = LogMel()
    assert mel.flush().shape == (0, 80)
    audio = speech_like(4000)
    first = np.concatenate([mel.push(audio), mel.flush()])
    assert np.array_equal(np.concatenate([mel.push(audio), mel.flush()]), first)


def test_padding_is_the_floor_of_the_window():
    ours = features(speech_like(8000))
    model_input = assemble(ours, 300)
    assert model_input.shape == (80, 300)
    assert model_input.max() - model_input[:, 60:].max() == pytest.approx(2.0, abs=1e-3)
