"""What can go wrong, and the seeded schedule by which it does."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "kill",  # SIGKILL, and another process of the pool a moment later
    "freeze",  # SIGSTOP for longer than a lease, then SIGCONT: the zombie
    "drain",  # SIGTERM, and another process when it has gone
    "scale",  # one process more for a while
    "redis-kill",  # SIGKILL to the server, and a restart from its append-only file
    "redis-pause",  # SIGSTOP to the server
    "redis-full",  # maxmemory with noeviction
    "cut",  # every connection to Redis at once
    "slow",  # delay and jitter between half of the processes and Redis, now and then a cut
    "clock",  # the wall clock of a pool jumps
    "redis-clock",  # the wall clock of the server jumps
]
POOL_FAULTS: tuple[Kind, ...] = ("kill", "freeze", "drain", "scale", "clock")
REDIS_FAULTS: tuple[Kind, ...] = ("redis-kill", "redis-pause", "redis-full", "cut", "slow", "redis-clock")
KINDS: tuple[Kind, ...] = POOL_FAULTS + REDIS_FAULTS
CLOCKS: frozenset[Kind] = frozenset({"clock", "redis-clock"})
DISTURBED = ("ingest", "vad", "asr", "emitter", "keyword", "sentiment")
_JUMPS_S = (-7200, -60, -3, 3, 60, 7200)
_DELAYS_MS = (5, 20, 40, 80)
_AMOUNTS: Mapping[Kind, Sequence[int]] = {"clock": _JUMPS_S, "redis-clock": _JUMPS_S, "slow": _DELAYS_MS}
_IN_LEASES: frozenset[Kind] = frozenset({"freeze", "redis-pause"})
_LASTS: Mapping[Kind, tuple[float, float]] = {
    "kill": (0, 1.5),
    "freeze": (1.2, 3),
    "drain": (0, 0),
    "scale": (1, 3),
    "redis-kill": (0, 1.5),
    "redis-pause": (0.2, 2),
    "redis-full": (1, 3),
    "cut": (0, 0),
    "slow": (1, 4),
    "clock": (0, 0),
    "redis-clock": (0, 0),
}
"""Shortest and longest, in seconds, or in leases."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disturbance: when it begins, in seconds of the run, how long it lasts, whom it meets.

    `amount` is the jump of a clock in seconds, or the delay of a slow line in milliseconds.
    """

    at_s: float
    kind: Kind
    pool: str = ""
    lasts_s: float = 0.0
    amount: int = 0

    def __str__(self) -> str:
        whom = f" {self.pool}" if self.pool else ""
        length = f" {self.lasts_s:.1f}s" if self.lasts_s else ""
        amount = f" {self.amount:+d}" if self.amount else ""
        return f"{self.at_s:.1f} {self.kind}{whom}{length}{amount}"


def schedule(
    seed: int, *, within_s: float, lease_s: float, kinds: Sequence[Kind] = KINDS
) -> tuple[Fault, ...]:
    """The faults of a seed, in order of time: always the same."""
    chance = random.Random(seed)
    count = chance.choice((1, 2, 2, 3, 3, 4))
    faults = [_fault(chance, (0.2, within_s), lease_s, kinds) for _ in range(count)]
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def steady(
    seed: int,
    *,
    between_s: tuple[float, float],
    every_s: float,
    lease_s: float,
    kinds: Sequence[Kind] = KINDS,
) -> tuple[Fault, ...]:
    """Faults at any moment of a stretch of time, one every so many seconds in the mean."""
    chance = random.Random(seed)
    count = round((between_s[1] - between_s[0]) / every_s) if kinds else 0
    faults = [_fault(chance, between_s, lease_s, kinds) for _ in range(count)]
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def _fault(
    chance: random.Random, between_s: tuple[float, float], lease_s: float, kinds: Sequence[Kind]
) -> Fault:
    kind = chance.choice(kinds)
    at_s = round(chance.uniform(*between_s), 2)
    pool = chance.choice(DISTURBED) if kind in POOL_FAULTS else ""
    shortest_s, longest_s = _LASTS[kind]
    unit_s = lease_s if kind in _IN_LEASES else 1
    lasts_s = round(unit_s * chance.uniform(shortest_s, longest_s), 2)
    return Fault(at_s, kind, pool, lasts_s, chance.choice(_AMOUNTS.get(kind, (0,))))
