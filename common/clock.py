"""The wall clock, as everything in Hubbub counts it."""

import time


def unix_ms() -> int:
    """Now, as Unix time in milliseconds."""
    return time.time_ns() // 1_000_000
