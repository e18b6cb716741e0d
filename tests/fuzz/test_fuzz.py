"""Whatever bytes come: the documented refusal or a value, soon, and nothing kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.run import GROWTH_BYTES, fuzz, seeds_of, try_one
from tests.fuzz.targets import TARGETS

CASES = 2_000


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_stood(name: str) -> None:
    for data in seeds_of(name):
        assert try_one(TARGETS[name], data)[1] == "", data


@pytest.mark.parametrize("name", TARGETS)
def test_bytes_that_are_nearly_right_are_stood(name: str) -> None:
    outcome = fuzz(name, seed=1, cases=CASES)
    assert outcome.findings == []
    assert outcome.grown_bytes < GROWTH_BYTES
    assert 0 < outcome.refused < outcome.cases or name in {"l16", "generic_json"}


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_stood(name: str, data: bytes) -> None:
    assert try_one(TARGETS[name], data)[1] == ""
