"""Feeds a target, and says what it could not stand."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import REFUSALS, TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"
SLOW_S = 1.0
GROWTH_BYTES = 16 * 2**20
_LOOK_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Bytes that a target could not stand, and why."""

    data: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run. `grown_bytes` is of the process, since its first cases."""

    cases: int
    refused: int
    slowest_s: float
    grown_bytes: int
    findings: Sequence[Finding]


def seeds_of(name: str) -> list[bytes]:
    """The corpus of a target, and nothing at all."""
    return [b"", *(path.read_bytes() for path in sorted((CORPUS / name).iterdir()))]


def try_one(target: Target, data: bytes) -> tuple[bool, str]:
    """Whether it was refused, and what was wrong, if anything."""
    began = time.process_time()
    try:
        target(data)
    except REFUSALS:
        refused = True
    except Exception as error:  # noqa: BLE001  # that is what it is here to find
        return False, repr(error)
    else:
        refused = False
    took_s = time.process_time() - began
    return refused, f"took {took_s:.1f} s of processor" if took_s > SLOW_S else ""


def fuzz(name: str, *, seed: int, seconds: float = 0, cases: int = 0) -> Outcome:
    """For so long or so many cases, the same for the same seed."""
    target, seeds, chance = TARGETS[name], seeds_of(name), random.Random(seed)
    done = refused = 0
    slowest, findings = 0.0, []
    process = psutil.Process()
    held = 0
    began = time.monotonic()
    while done < cases or time.monotonic() - began < seconds:
        for _ in range(_LOOK_EVERY):
            data = mutated(seeds, chance)
            before = time.process_time()
            was_refused, why = try_one(target, data)
            slowest = max(slowest, time.process_time() - before)
            refused += was_refused
            if why:
                findings.append(Finding(data, why))
        done += _LOOK_EVERY
        held = held or process.memory_info().rss
        if len(findings) > 20:
            break
    grown = process.memory_info().rss - held
    return Outcome(done, refused, slowest, grown, findings)
