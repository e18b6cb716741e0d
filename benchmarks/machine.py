"""What a figure was measured on: the line that heads each table."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import psutil


def machine_line(packages: Sequence[str]) -> str:
    """Processors, interpreter and the versions of those packages that are installed."""
    parts = []
    for name in ("hubbub", *packages):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    processors = f"{psutil.cpu_count()} processors, {platform.machine()}"
    return f"{processors}, Python {platform.python_version()}; {', '.join(parts)}"
