"""Wall clocks that jump: libfaketime, preloaded, reads each one's offset from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/opt/homebrew/lib/faketime/libfaketime.1.dylib")


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of some processes. Their monotonic clock goes on as it should."""

    file: Path
    library: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process with this clock is started with; nothing where the library is missing."""
        if not self.library:
            return {}
        return {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }

    def jump(self, to_s: int) -> None:
        """So far from the true time, within a second."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(f"{to_s:+d}\n")


def find_library() -> str:
    """Debian's package `faketime` has it; empty where it is not installed."""
    found = [str(path) for pattern in _LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    return found[0] if found else ""
