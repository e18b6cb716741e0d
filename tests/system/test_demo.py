"""`hubbub demo`, as `make demo` runs it."""

import re
import subprocess

import pytest

from tests.system.kit import HUBBUB

pytestmark = [pytest.mark.system, pytest.mark.chaos]


def test_the_demo_captions_the_whole_meeting_and_ends_well() -> None:
    shown = subprocess.run([str(HUBBUB), "demo"], capture_output=True, text=True, check=False, timeout=300)
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-2000:]
    assert "wonderful news" in shown.stdout
    assert "* next slide (navigation)" in shown.stdout
    utterances, finals = re.search(r"(\d+) utterances, \d+ partials, (\d+) finals", shown.stdout).groups()  # type: ignore[union-attr]  # or the test fails
    assert utterances == finals
    assert "coverage 100.0%" in shown.stdout
