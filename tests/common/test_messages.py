import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidMessage
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, Message, SpeechChunk, Window, pack, unpack

texts = st.text(max_size=20)
positions = st.integers(0, 2**50)
tracks = st.builds(Track, st.builds(Meeting, texts, texts), texts, st.builds(Speaker, texts, texts))
messages = st.one_of(
    st.builds(AudioChunk, tracks, positions, positions, st.binary(max_size=64), st.just("end")),
    st.builds(SpeechChunk, tracks, texts, positions, positions, positions, positions, st.binary(max_size=64)),
    st.builds(
        Window, tracks, texts, positions, positions, positions, positions, positions,
        st.just("pcm_s16le"), st.binary(max_size=64), st.just("final"), st.booleans(),
    ),
)  # fmt: skip


@given(messages)
def test_what_is_packed_is_unpacked(message: Message) -> None:
    assert unpack(pack(message)) == message


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        unpack(data)


def test_a_message_of_another_version_is_refused_by_name() -> None:
    future = msgpack.packb([2, "audio", ["", "", "", "", ""], 0, 0, b"", ""])
    with pytest.raises(InvalidMessage, match="version 2"):
        unpack(future)


def test_the_end_of_speech_has_its_own_capture_time() -> None:
    track = Track(Meeting("t", "m"), "a", Speaker("a", "A"))
    speech = SpeechChunk(track, "u", 0, 0, 800, 5_000, b"\0" * 3200)
    assert speech.voiced_end_captured_ms == 5_000 - 50
