"""SIGKILL to any one process while meetings play: the finals are those of an undisturbed run."""

import os
import signal
import time
from pathlib import Path

import pytest

from common.results import Keyword, Result
from common.topology import POOLS
from tests.system.kit import System, finals, play

pytestmark = [pytest.mark.system, pytest.mark.chaos]


def spoken(results: list[Result]) -> list[tuple[int, str]]:
    return [(final.start_ms, final.text) for final in finals(results)]


def phrases(results: list[Result]) -> list[str]:
    return sorted(r.phrase for r in results if isinstance(r, Keyword))


@pytest.fixture(scope="module")
def undisturbed(system: System, clip: Path) -> list[Result]:
    assert play(system, [clip], "calm", "--format", "json").wait(120) == 0
    return system.finished("calm-0")


@pytest.mark.parametrize("pool", POOLS)
def test_killing_a_process_loses_and_doubles_nothing(
    system: System, clip: Path, undisturbed: list[Result], pool: str
) -> None:
    player = play(system, [clip], f"killed-{pool}", "--format", "json")
    time.sleep(8)
    os.kill(system.pid(pool), signal.SIGKILL)
    assert player.wait(120) == 0
    results = system.finished(f"killed-{pool}-0")
    assert spoken(results) == spoken(undisturbed)
    assert phrases(results) == phrases(undisturbed)
    ids = [result.id for result in results]
    assert len(ids) == len(set(ids))
