"""Coverage-guided fuzzing: atheris keeps what reaches new ground and changes that further.

It is no part of any extra, since it is built for some platforms only: `pip install atheris`.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.mutation import LONGEST
from tests.fuzz.run import CORPUS, Finding

MEMORY_MB = 512
HANGS_S = 5
_FIGURE = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_PROGRESS = re.compile(r"^#\d+\s+\w+\s+cov: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Guided:
    """What became of a run. `reached`: places in our code, with the corpus alone and in the end."""

    cases: int
    reached: tuple[int, int]
    peak_mb: int
    findings: Sequence[Finding]


def is_available() -> bool:
    """Whether atheris is installed."""
    return find_spec("atheris") is not None


def fuzz_guided(name: str, *, seed: int, seconds: float) -> Guided:
    """One target, until the time is up or something is found. Raises AssertionError where atheris failed."""
    with TemporaryDirectory(prefix="hubbub-fuzz-") as folder:
        grown, found = Path(folder) / "grown", Path(folder) / "found"
        grown.mkdir()
        found.mkdir()
        said = _run(name, grown, found, [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed + 1}"])
        findings = [Finding(path.read_bytes(), _reason(path, said)) for path in sorted(found.iterdir())]
    figures = {key: int(value) for key, value in _FIGURE.findall(said)}
    assert figures, said
    reached = [int(places) for places in _PROGRESS.findall(said)] or [0]
    executed, peak_mb = figures["number_of_executed_units"], figures["peak_rss_mb"]
    return Guided(executed, (reached[0], reached[-1]), peak_mb, findings)


def _run(name: str, grown: Path, found: Path, options: list[str]) -> str:
    """What libFuzzer says; it writes new cases to the first folder and what it found to `found`."""
    bounds = [f"-rss_limit_mb={MEMORY_MB}", f"-timeout={HANGS_S}", f"-max_len={LONGEST}"]
    told = [*bounds, *options, "-print_final_stats=1", f"-artifact_prefix={found}/"]
    command = [sys.executable, "-m", "tests.fuzz.libfuzzer", name, *told, str(grown), str(CORPUS / name)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def _reason(path: Path, said: str) -> str:
    """The kind of finding that libFuzzer names its file after, and what the target said of it."""
    words = [line for line in said.splitlines() if line.startswith("Found: ")]
    return " ".join([path.name.split("-")[0], *words[-1:]])
