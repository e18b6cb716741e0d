"""The golden frames of the reference, and whatever else may come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.identity import MAX_NAME_LENGTH, Speaker
from ingest.formats.meetstream import decode
from ingest.formats.values import Audio, Ready, Skipped
from ingest.pcm import PcmFormat
from ingest.player.wires import encode_frame
from ingest.refusals import Reason, Refused

FORMAT = PcmFormat(48_000)
NAMED = bytes.fromhex("01 03 00 70 2d 37 04 00 5a 6f c3 ab 00 00 01 00 ff ff ff 7f")
NOBODY = bytes.fromhex("01 09 00 4e 6f 53 70 65 61 6b 65 72 09 00 4e 6f 53 70 65 61 6b 65 72 00 00 00 00")


def test_golden_frame_names_speaker_and_samples() -> None:
    audio = decode(NAMED, FORMAT)
    assert isinstance(audio, Audio)
    assert audio.speaker == Speaker("p-7", "Zoë")
    assert np.frombuffer(audio.pcm, "<i2").tolist() == [0, 1, -1, 32767]
    assert audio.format.rate == 48_000


def test_golden_frame_of_nobody() -> None:
    assert decode(NOBODY, FORMAT) == Audio(bytes(4), FORMAT, None)


def test_player_writes_the_golden_frames() -> None:
    samples = np.array([0, 1, -1, 32767], "<i2")
    assert encode_frame(Speaker("p-7", "Zoë"), samples.tobytes()) == NAMED
    assert encode_frame(Speaker("NoSpeaker", "NoSpeaker"), bytes(4)) == NOBODY


@pytest.mark.parametrize("length", range(1, 12))
def test_frame_cut_within_its_header_is_refused(length: int) -> None:
    with pytest.raises(Refused) as refusal:
        decode(NAMED[:length], FORMAT)
    assert refusal.value.reason is Reason.FRAME


def test_shortest_frame_has_no_labels_and_no_samples() -> None:
    assert decode(b"\x01\0\0\0\0", FORMAT) == Audio(b"", FORMAT, None)


def test_odd_byte_at_the_end_is_dropped() -> None:
    audio = decode(NAMED + b"\x55", FORMAT)
    assert isinstance(audio, Audio)
    assert len(audio.pcm) == 8


def test_names_are_decoded_as_far_as_they_can_be_and_cut() -> None:
    audio = decode(encode_frame(Speaker("x" * 500, "y"), b"").replace(b"y", b"\xff"), FORMAT)
    assert isinstance(audio, Audio)
    assert audio.speaker == Speaker("x" * MAX_NAME_LENGTH, "\N{REPLACEMENT CHARACTER}")


def test_id_stands_in_for_a_missing_name_and_the_other_way_round() -> None:
    for speaker_id, name in (("a", ""), ("", "a")):
        audio = decode(encode_frame(Speaker(speaker_id, name), b""), FORMAT)
        assert isinstance(audio, Audio)
        assert audio.speaker == Speaker("a", "a")


def test_legacy_json_says_the_same() -> None:
    text = '{"type":"PCMChunk","speakerId":"p-7","speakerName":"Zoë","audioData":"AAABAP////8="}'
    audio = decode(text, FORMAT)
    assert isinstance(audio, Audio)
    assert (audio.speaker, len(audio.pcm)) == (Speaker("p-7", "Zoë"), 8)
    unnamed = decode('{"type":"PCMChunk","audioData":"AAA="}', FORMAT)
    assert unnamed == Audio(bytes(2), FORMAT, None)


def test_handshake_names_the_bot() -> None:
    assert decode('{"type":"ready","bot_id":"b-1","message":"Ready"}', FORMAT) == Ready("b-1")
    with pytest.raises(Refused):
        decode('{"type":"ready"}', FORMAT)


def test_unknown_types_are_passed_over() -> None:
    assert isinstance(decode(b"\x02anything", FORMAT), Skipped)
    assert isinstance(decode('{"type":"video_stream_start"}', FORMAT), Skipped)


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda b: b"\x01" + b) | st.text(max_size=40))
def test_anything_decodes_or_is_refused(message: bytes | str) -> None:
    try:
        decoded = decode(message, FORMAT)
    except Refused:
        return
    assert not isinstance(decoded, Audio) or len(decoded.pcm) % 2 == 0


@given(st.text(max_size=50), st.text(max_size=50), st.binary(max_size=20).filter(lambda b: len(b) % 2 == 0))
def test_frames_come_out_as_they_went_in(speaker_id: str, name: str, pcm: bytes) -> None:
    try:
        frame = encode_frame(Speaker(speaker_id, name), pcm)
    except UnicodeEncodeError:
        return
    audio = decode(frame, FORMAT)
    assert isinstance(audio, Audio)
    assert audio.pcm == pcm
    if audio.speaker is not None and speaker_id:
        assert audio.speaker.id == speaker_id
