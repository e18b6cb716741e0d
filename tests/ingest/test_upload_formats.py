"""WAV and L16 bodies, in whatever pieces they come."""

import io
import itertools
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.l16 import L16Reader, parse_media_type
from ingest.formats.values import Audio
from ingest.formats.wav import WavReader
from ingest.pcm import PcmFormat, to_mono
from ingest.refusals import Reason, Refused

SAMPLES = (np.sin(np.arange(600) * 0.1) * 9_000).astype(np.int16)


def wav(subtype: str = "PCM_16", channels: int = 1) -> bytes:
    body = io.BytesIO()
    frames = np.repeat(SAMPLES[:, None], channels, axis=1) / 32_768
    soundfile.write(body, frames, 22_050, format="WAV", subtype=subtype)
    return body.getvalue()


def read(reader: WavReader | L16Reader, pieces: list[bytes]) -> list[Audio]:
    audio = [reader.push(piece) for piece in pieces]
    reader.finish()
    return [a for a in audio if a is not None]


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [("PCM_16", 0), ("PCM_24", 1), ("PCM_32", 1), ("FLOAT", 1), ("PCM_U8", 256), ("ULAW", 300)],
)
def test_every_encoding_has_the_same_samples(subtype: str, channels: int, tolerance: int) -> None:
    (audio,) = read(WavReader(), [wav(subtype, channels)])
    assert (audio.format.rate, audio.format.channels) == (22_050, channels)
    assert np.abs(to_mono(audio.pcm, audio.format) - SAMPLES).max() <= tolerance


@given(st.lists(st.integers(0, 2000), max_size=12))
def test_pieces_don_t_matter(cuts: list[int]) -> None:
    body = wav(channels=2)
    (whole,) = read(WavReader(), [body])
    pieces = read(WavReader(), split(body, cuts))
    assert b"".join(audio.pcm for audio in pieces) == whole.pcm


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_live_wav_without_a_size_goes_on_to_its_end(size: int) -> None:
    body = wav()
    at = body.index(b"data") + 4
    live = body[:at] + struct.pack("<I", size) + body[at + 4 :]
    (audio,) = read(WavReader(), [live])
    assert np.array_equal(np.frombuffer(audio.pcm, "<i2"), SAMPLES)


def test_what_follows_the_samples_is_no_audio() -> None:
    audio = read(WavReader(), [wav(), b"LIST\x08\0\0\0INFOIART", b"more" * 1000])
    assert b"".join(a.pcm for a in audio) == SAMPLES.tobytes()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.FRAME),
        (b"RIFF", Reason.FRAME),
        (b"fLaC" + bytes(40), Reason.FRAME),
        (wav()[:30], Reason.FRAME),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", Reason.FRAME),
        (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f", Reason.FRAME),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\1\0\1\0", Reason.FRAME),
        (wav("ALAW"), Reason.FORMAT),
        (wav()[:-1], Reason.ODD_BYTES),
    ],
)
def test_broken_wav_is_refused(body: bytes, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        read(WavReader(), [body])
    assert refused.value.reason is reason


@given(st.lists(st.binary(max_size=60)), st.booleans())
def test_any_body_is_read_or_refused(pieces: list[bytes], header: bool) -> None:
    try:
        read(WavReader(), [b"RIFF\0\0\0\0WAVE", *pieces] if header else pieces)
    except Refused:
        return


def test_l16_is_big_endian_unless_it_says_otherwise() -> None:
    big = parse_media_type({"rate": "16000", "channels": "2"})
    assert big == PcmFormat(16_000, 2, "pcm_s16be")
    assert to_mono(b"\x01\x00", PcmFormat(16_000, 1, "pcm_s16be")).tolist() == [256]
    assert parse_media_type({"rate": "8000", "endianness": "little-endian"}) == PcmFormat(8_000)


@pytest.mark.parametrize(
    "parameters", [{}, {"rate": "0"}, {"rate": "x"}, {"rate": "16000", "endianness": "middle"}]
)
def test_l16_needs_a_possible_type(parameters: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        parse_media_type(parameters)
    assert refused.value.reason is Reason.FORMAT


@given(st.binary(max_size=200).map(lambda b: b[: len(b) // 4 * 4]), st.lists(st.integers(0, 200), max_size=6))
def test_l16_pieces_don_t_matter(body: bytes, cuts: list[int]) -> None:
    audio = read(L16Reader(PcmFormat(16_000, 2, "pcm_s16be")), split(body, cuts))
    assert b"".join(a.pcm for a in audio) == body


def test_l16_cut_within_a_sample_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        read(L16Reader(PcmFormat(16_000)), [b"\0\0\0"])
    assert refused.value.reason is Reason.ODD_BYTES
