"""Some seeds of every kind of fault; `python -m tests.chaos` runs as many as you like."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos.faults import KINDS, Kind
from tests.chaos.run import Load
from tests.chaos.series import able_kinds, audio_of, disturbed, undisturbed
from tests.chaos.system import System, running
from tests.chaos.verdict import Outcome

pytestmark = [pytest.mark.system, pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    return audio_of(tmp_path_factory.mktemp("audio"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with running(tmp_path_factory.mktemp("system")) as running_system:
        yield running_system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(system: System, load: Load) -> Outcome:
    outcome, reports = await undisturbed(system, load, 1)
    assert reports[0].troubles() == []
    return outcome


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_doubled_or_out_of_order(
    system: System, load: Load, whole: Outcome, kind: Kind
) -> None:
    kinds = able_kinds(kind)
    if not kinds:
        pytest.skip("libfaketime is not installed")
    report = await disturbed(system, load, KINDS.index(kind), whole, kinds=kinds)
    assert report.troubles() == []
