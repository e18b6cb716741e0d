"""Entries of any process of a version, whichever wrote them, are read or refused by name.

Where one of these fails and the format was to change: see tests/golden/__main__.py.
"""

from pathlib import Path

import msgpack
import orjson
import pytest

from common.errors import InvalidMessage
from common.messages import VERSION, pack, unpack
from common.results import SCHEMA_VERSION, TYPES, from_json, to_json
from common.streams.codec import decode, encode
from tests import golden
from tests.golden.specimens import MESSAGES, RESULTS

RECORDED = Path(golden.__file__).parent
FORMAT_CHANGED = (
    "the format changed: was that meant? Then bump its version, or record it: python -m tests.golden"
)


def recorded_message(name: str) -> bytes:
    return (RECORDED / f"messages-v{VERSION}" / f"{name}.msgpack").read_bytes()


def recorded_results(name: str) -> list[bytes]:
    return (RECORDED / f"results-v{SCHEMA_VERSION}" / f"{name}.jsonl").read_bytes().splitlines()


def test_every_result_type_has_a_specimen() -> None:
    assert set(RESULTS) == set(TYPES), FORMAT_CHANGED


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_written_and_read_as_it_was_recorded(name: str) -> None:
    assert pack(MESSAGES[name]) == recorded_message(name), FORMAT_CHANGED
    assert unpack(recorded_message(name)) == MESSAGES[name]
    assert decode({b"m": recorded_message(name)}) == MESSAGES[name]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_written_as_it_was_recorded_last(name: str) -> None:
    assert to_json(RESULTS[name]) == recorded_results(name)[-1], FORMAT_CHANGED
    assert from_json(recorded_results(name)[-1]) == RESULTS[name]


@pytest.mark.parametrize("name", RESULTS)
def test_every_form_of_a_result_that_was_ever_written_is_read(name: str) -> None:
    for line in recorded_results(name):
        assert from_json(line).type == name


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_a_newer_process_is_read_without_what_is_new_in_it(name: str) -> None:
    newer = orjson.loads(recorded_results(name)[-1]) | {"confidence": 0.5}
    assert from_json(orjson.dumps(newer)) == RESULTS[name]


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("version", [0, VERSION + 1, 99])
def test_a_message_of_another_version_is_refused_with_both_versions(name: str, version: int) -> None:
    _, *rest = msgpack.unpackb(recorded_message(name))
    with pytest.raises(InvalidMessage, match=f"version {version}: this process reads {VERSION}"):
        unpack(msgpack.packb([version, *rest]))


@pytest.mark.parametrize("body", [[], ["audio"], [{"anything": "else"}] * 9])
def test_another_version_is_told_whatever_else_its_messages_look_like(body: list[object]) -> None:
    with pytest.raises(InvalidMessage, match=f"version 2: this process reads {VERSION}"):
        unpack(msgpack.packb([2, *body]))


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_another_version_is_refused_with_both_versions(name: str) -> None:
    other = orjson.loads(recorded_results(name)[-1]) | {"v": 2}
    with pytest.raises(InvalidMessage, match=f"version 2: this process reads {SCHEMA_VERSION}"):
        from_json(orjson.dumps(other))


def test_a_result_of_a_type_unknown_here_is_refused_by_name() -> None:
    other = orjson.loads(recorded_results("status")[-1]) | {"type": "weather"}
    with pytest.raises(InvalidMessage, match="weather"):
        from_json(orjson.dumps(other))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("wrong", [None, -1.5, ["x"], {}])
def test_a_field_of_the_wrong_kind_is_refused(name: str, wrong: object) -> None:
    fields = msgpack.unpackb(recorded_message(name))
    for i in range(1, len(fields)):
        with pytest.raises(InvalidMessage):
            unpack(msgpack.packb([*fields[:i], wrong, *fields[i + 1 :]]))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_word_that_is_none_of_those_allowed_is_refused(name: str) -> None:
    packed = recorded_message(name)
    for word in (b"\xa5pause", b"\xa8endpoint", b"\xa5final", b"\xablog_mel_f16"):
        if word in packed:
            with pytest.raises(InvalidMessage, match="never"):
                unpack(packed.replace(word, b"\xa5never"))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_too_many_or_too_few_is_refused(name: str) -> None:
    fields = msgpack.unpackb(recorded_message(name))
    for other in (fields[:-1], [*fields, None], [*fields[:2], fields[2][:-1], *fields[3:]]):
        with pytest.raises(InvalidMessage):
            unpack(msgpack.packb(other))


@pytest.mark.parametrize("name", RESULTS)
def test_an_entry_says_whose_result_it_is_without_its_json(name: str) -> None:
    flat = encode(RESULTS[name])
    assert flat[:4] == ["type", name, "meeting", "acme/weekly"]
