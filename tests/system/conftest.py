from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.kit import System, excerpt, running_system

PINNED = {
    "HUBBUB_EMITTER__QUALITY": "busy",
    "HUBBUB_KEYWORD__QUALITY": "full",
    "HUBBUB_REDIS__LEASE_MS": "1500",
    "HUBBUB_VAD__QUIET_SOURCE_MS": "30000",
}
"""Texts and phrases depend on the audio alone, not on how soon a process is back on a busy machine."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("system") / "log", **PINNED) as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return excerpt(tmp_path_factory.mktemp("clip") / "clip.wav", 15, 36)
