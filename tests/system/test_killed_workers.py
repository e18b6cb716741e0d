"""SIGKILL to any one process while meetings play: the finals are those of an undisturbed run.

While ingest is gone nothing is heard, so an utterance may be cut there; but no audio is lost.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from common.results import Keyword, Result, Status
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


@pytest.mark.parametrize("pool", [pool for pool in POOLS if pool != "ingest"])
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


def test_killing_ingest_loses_and_doubles_no_audio(
    system: System, clip: Path, undisturbed: list[Result]
) -> None:
    player = play(system, [clip], "killed-ingest", "--format", "json")
    time.sleep(8)
    os.kill(system.pid("ingest"), signal.SIGKILL)
    assert player.wait(120) == 0
    results = system.finished("killed-ingest-0")
    assert not [result for result in results if isinstance(result, Status) and result.event == "gap"]
    whole, _ = system.outcome("calm-0")
    disturbed, _ = system.outcome("killed-ingest-0")
    assert disturbed.ends == whole.ends
    assert disturbed.counters["captured_samples"] == whole.counters["captured_samples"]
    assert phrases(results) == phrases(undisturbed)
    said = " ".join(final.text for final in finals(results)).lower()
    for words in ("search page", "wonderful news", "congratulations"):
        assert words in said
