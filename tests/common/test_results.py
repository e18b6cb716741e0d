from dataclasses import replace

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidMessage
from common.results import TYPES, Result, from_json, json_schema, to_json

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**53), 2**53))
results = st.one_of(*(st.from_type(cls) for cls in TYPES.values()))


@given(results)
def test_a_result_survives_its_json_and_fits_its_schema(result: Result) -> None:
    result = _with_version(result)
    data = to_json(result)
    assert from_json(data) == result
    jsonschema.validate(orjson.loads(data), json_schema(result.type))


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_refuses_an_object_that_lacks_a_field(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"v": 1, "type": name}, json_schema(name))


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_no_result(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        from_json(data)


def test_a_result_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(InvalidMessage, match="version 9"):
        from_json(b'{"v":9,"type":"status"}')


def _with_version(result: Result) -> Result:
    return replace(result, v=1)
