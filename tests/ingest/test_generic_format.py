"""Hubbub's own protocol, message by message."""

from base64 import b64encode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.identity import Speaker
from ingest.formats.generic import GenericDecoder
from ingest.formats.values import Audio, End, Start
from ingest.pcm import PcmFormat
from ingest.refusals import Reason, Refused

START = '{"type":"start","sample_rate":16000,"encoding":"pcm_s16le","channels":1}'


def started(start: str = START) -> GenericDecoder:
    decoder = GenericDecoder()
    decoder.decode(start)
    return decoder


def refusal(decoder: GenericDecoder, message: bytes | str) -> tuple[Reason, str]:
    with pytest.raises(Refused) as refused:
        decoder.decode(message)
    return refused.value.reason, str(refused.value)


def test_start_gives_format_and_speaker() -> None:
    text = '{"type":"start","sample_rate":44100,"channels":2,"speaker":{"id":"s1","name":"Ann"}}'
    assert GenericDecoder().decode(text) == Start(PcmFormat(44_100, 2), Speaker("s1", "Ann"))


def test_binary_is_audio_of_the_announced_format() -> None:
    assert started().decode(b"\1\2\3\4") == Audio(b"\1\2\3\4", PcmFormat(16_000))


def test_json_audio_carries_number_time_and_speaker() -> None:
    fields = {"type": "audio", "seq": 7, "timestamp_ms": 12, "speaker": {"name": "Bo"}}
    message = orjson.dumps({**fields, "audio": b64encode(b"\1\2").decode()}).decode()
    assert started().decode(message) == Audio(b"\1\2", PcmFormat(16_000), Speaker("Bo", "Bo"), 7, 12)


def test_end_ends_it() -> None:
    decoder = started()
    assert decoder.decode('{"type":"end"}') == End()
    assert refusal(decoder, b"\0\0")[0] is Reason.UNEXPECTED


@pytest.mark.parametrize(
    ("message", "reason", "names"),
    [
        ("{", Reason.JSON, "{"),
        ("[1]", Reason.JSON, "[1]"),
        (b"\0\0\0", Reason.ODD_BYTES, "3 bytes"),
        ('{"type":"video"}', Reason.MESSAGE_TYPE, "video"),
        ('{"kind":"audio"}', Reason.MESSAGE_TYPE, "None"),
        (START, Reason.UNEXPECTED, "second start"),
        ('{"type":"audio"}', Reason.JSON, "audio None"),
        ('{"type":"audio","audio":"?!"}', Reason.JSON, "?!"),
        ('{"type":"audio","audio":"AA=="}', Reason.ODD_BYTES, "1 bytes"),
        ('{"type":"audio","audio":"","seq":-1}', Reason.JSON, "-1"),
        ('{"type":"audio","audio":"","seq":true}', Reason.JSON, "True"),
        ('{"type":"audio","audio":"","timestamp_ms":"x"}', Reason.JSON, "x"),
        ('{"type":"audio","audio":"","speaker":"Ann"}', Reason.JSON, "Ann"),
        ('{"type":"audio","audio":"","speaker":{}}', Reason.NAME, "{}"),
        ('{"type":"audio","audio":"","speaker":{"id":7}}', Reason.NAME, "7"),
    ],
)
def test_what_is_wrong_is_named(message: bytes | str, reason: Reason, names: str) -> None:
    found, text = refusal(started(), message)
    assert found is reason
    assert names in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate", 0),
        ("sample_rate", -8000),
        ("sample_rate", "16000"),
        ("sample_rate", True),
        ("sample_rate", 10**9),
        ("sample_rate", None),
        ("channels", 0),
        ("channels", 9),
        ("channels", 1.0),
        ("encoding", "opus"),
        ("encoding", 7),
    ],
)
def test_impossible_formats_are_named(field: str, value: object) -> None:
    message = orjson.dumps({"type": "start", "sample_rate": 16_000, field: value}).decode()
    reason, text = refusal(GenericDecoder(), message)
    assert reason is Reason.FORMAT
    assert repr(value) in text


@pytest.mark.parametrize("first", [b"\0\0", '{"type":"end"}', '{"type":"audio","audio":""}'])
def test_start_comes_first(first: bytes | str) -> None:
    assert refusal(GenericDecoder(), first)[0] is Reason.UNEXPECTED


def test_speaker_names_are_bounded() -> None:
    message = orjson.dumps({"type": "start", "sample_rate": 16_000, "speaker": {"id": "x" * 500}}).decode()
    assert refusal(GenericDecoder(), message)[0] is Reason.NAME


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(
    st.sampled_from(
        ["type", "sample_rate", "channels", "encoding", "speaker", "seq", "timestamp_ms", "audio"]
    ),
    json_values | st.sampled_from(["start", "audio", "end", "AAAA", 16_000, {"id": "a"}]),
)


@given(
    st.lists(st.binary(max_size=9) | st.text(max_size=20) | objects.map(lambda o: orjson.dumps(o).decode()))
)
def test_anything_decodes_or_is_refused(messages: list[bytes | str]) -> None:
    for decoder in (GenericDecoder(), started()):
        for message in messages:
            try:
                decoded = decoder.decode(message)
            except Refused:
                continue
            if isinstance(decoded, Audio):
                assert len(decoded.pcm) % decoded.format.frame_bytes == 0
