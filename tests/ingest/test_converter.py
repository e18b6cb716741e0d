"""Any PCM to 16 kHz mono, however it is split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from common.audio import sample_count
from ingest.converter import Converter
from ingest.pcm import PcmFormat

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000]
NOISE = np.random.default_rng(1).integers(-20_000, 20_000, 30_000).astype("<i2")


def tone(rate: int, hertz: float, seconds: float = 1.0) -> np.ndarray:
    at = np.arange(int(rate * seconds)) / rate
    return np.rint(np.sin(2 * np.pi * hertz * at) * 10_000).astype("<i2")


def convert(pcm_format: PcmFormat, pieces: list[bytes]) -> bytes:
    converter = Converter(pcm_format)
    return b"".join([*(converter.push(piece) for piece in pieces), converter.flush()])


@pytest.mark.parametrize("rate", [*RATES, 96_000, 192_000])
def test_a_tone_stays_the_same_tone(rate: int) -> None:
    out = np.frombuffer(convert(PcmFormat(rate), [tone(rate, 440).tobytes()]), "<i2")
    middle = slice(800, 15_200)
    assert np.abs(out[middle].astype(float) - tone(16_000, 440)[middle]).max() < 30


@pytest.mark.parametrize("rate", RATES)
def test_length_is_kept(rate: int) -> None:
    out = convert(PcmFormat(rate), [NOISE.tobytes()])
    assert sample_count(out) == len(NOISE) * 16_000 // rate


def test_what_16_khz_cannot_hold_is_gone() -> None:
    """A 10 kHz tone at 48 kHz would come back as 6 kHz without a filter."""
    out = np.frombuffer(convert(PcmFormat(48_000), [tone(48_000, 10_000).tobytes()]), "<i2")
    assert np.abs(out[800:15_200]).max() < 20


def test_channels_are_mixed() -> None:
    frames = np.stack([tone(16_000, 300), -tone(16_000, 300)], axis=1)
    assert not np.frombuffer(convert(PcmFormat(16_000, 2), [frames.tobytes()]), "<i2").any()


@example_settings(max_examples=25)
@given(
    st.sampled_from(RATES),
    st.sampled_from([1, 2]),
    st.lists(st.integers(0, 3_000), min_size=1, max_size=30),
)
def test_any_split_gives_the_same_audio(rate: int, channels: int, sizes: list[int]) -> None:
    pcm_format = PcmFormat(rate, channels)
    frames = NOISE[: sum(sizes) // channels * channels].tobytes()
    step, pieces = 0, []
    for size in sizes:
        length = size // channels * pcm_format.frame_bytes
        pieces.append(frames[step : step + length])
        step += length
    pieces.append(frames[step:])
    assert convert(pcm_format, pieces) == convert(pcm_format, [frames])


def test_what_is_held_back_is_known() -> None:
    converter = Converter(PcmFormat(48_000))
    out = sample_count(converter.push(NOISE[:4_800].tobytes()))
    assert out + converter.held == 1_600
    assert out + sample_count(converter.flush()) == 1_600
    assert converter.held == 0


def test_a_new_signal_may_begin_after_a_flush() -> None:
    converter = Converter(PcmFormat(48_000))
    first = converter.push(NOISE.tobytes()) + converter.flush()
    assert converter.push(NOISE.tobytes()) + converter.flush() == first


def test_floats_beyond_full_scale_don_t_poison_what_follows() -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 3e38] * 100, "<f4").tobytes()
    quiet = np.zeros(48_000, "<f4").tobytes()
    out = np.frombuffer(convert(PcmFormat(48_000, 1, "pcm_f32le"), [wild, quiet]), "<i2")
    assert not out[-8_000:].any()
