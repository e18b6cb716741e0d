"""How many processes, shards and Redis nodes so many meetings take, from what one of them costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.capacity_queues import Line

FEWEST_SHARDS = 32
SHARDS_A_PROCESS = 4
"""Of the largest pool: a process has whole shards, so with 4 the fullest has at most a quarter too many."""


@dataclass(frozen=True, slots=True)
class Share:
    """What something takes: at rest, and further for each meeting, silent or with one voice speaking."""

    idle: float
    silent: float
    speaking: float

    def of_meeting(self, talk: float) -> float:
        """What a meeting takes in which `talk` voices speak at a time, on average."""
        return self.silent + talk * (self.speaking - self.silent)


@dataclass(frozen=True, slots=True)
class RedisShares:
    """What Redis does in a second: processors, commands, bytes in and out, bytes that results grow by.

    At rest it is asked for news, by each pool and of each shard.
    """

    processors: Share
    commands: Share
    in_bytes: Share
    out_bytes: Share
    result_bytes: Share


@dataclass(frozen=True)
class Costs:
    """What was measured.

    `processors` and `memory_mb` are by pool; `redis` was measured with so many `shards`. `batches`
    are the lines of `partial` windows, and of `final` ones, which may also be `quick`. `transit_ms`
    is what a window takes from capture to the emitter and back in an idle system. `margins_ms` are
    the times, after the end of a word as spoken, from which transcripts hold it, from the earliest
    word to the latest; they do not depend on load.
    """

    processors: Mapping[str, Share]
    memory_mb: Mapping[str, Share]
    redis: RedisShares
    shards: int
    batches: Mapping[str, Line]
    transit_ms: float
    margins_ms: tuple[float, ...]
    utterance_ms: float

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the JSON of `benchmarks.costs`. Raises KeyError, TypeError."""
        return cls(
            {pool: Share(**share) for pool, share in data["processors"].items()},
            {pool: Share(**share) for pool, share in data["memory_mb"].items()},
            RedisShares(**{name: Share(**share) for name, share in data["redis"].items()}),
            data["shards"],
            {kind: Line(**line) for kind, line in data["batches"].items()},
            data["transit_ms"],
            tuple(data["margins_ms"]),
            data["utterance_ms"],
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How full things may be: shares of a processor, of a node's network and memory."""

    busy: float = 0.7
    redis_commands: float = 50_000
    redis_network_bytes: float = 600e6
    redis_memory_bytes: float = 32e9


@dataclass(frozen=True, slots=True)
class Demand:
    """Meetings at the same time; `talk` voices speak in each on average, `hours` of them are kept."""

    meetings: int
    talk: float = 0.8
    kept_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class RedisPlan:
    """How many Redis nodes each resource asks for."""

    processors: float
    commands: float
    network: float
    memory: float

    @property
    def nodes(self) -> int:
        """What the scarcest resource asks for."""
        return max(1, *(math.ceil(x) for x in (self.processors, self.commands, self.network, self.memory)))


@dataclass(frozen=True)
class Plan:
    """What a demand takes. `crowded` is the share of meetings whose emitter has more than it holds."""

    demand: Demand
    processes: dict[str, int]
    crowded: float
    processors: float
    memory_gb: float
    shards: int
    redis: RedisPlan


def plan(costs: Costs, demand: Demand, limits: Limits, *, emitter_meetings: float) -> Plan:
    """`emitter_meetings` are those that one emitter process holds at its latency: simulate them."""
    processes = {
        pool: processes_for(demand.meetings, held(share, demand.talk, limits))
        for pool, share in costs.processors.items()
    }
    processes["emitter"] = processes_for(demand.meetings, limits.busy * emitter_meetings)
    busy = sum(share.of_meeting(demand.talk) for share in costs.processors.values()) * demand.meetings
    idle = sum(share.idle * processes[pool] for pool, share in costs.processors.items())
    shards = shards_for(max(processes.values()))
    return Plan(
        demand,
        processes,
        crowded(demand.meetings, processes["emitter"], emitter_meetings),
        busy + idle,
        _memory_gb(costs, demand, processes),
        shards,
        redis_plan(costs.redis, demand, limits, shards / costs.shards),
    )


def held(share: Share, talk: float, limits: Limits) -> float:
    """Meetings that one process of a pool holds, its single thread being as busy as it may be."""
    return (limits.busy - share.idle) / max(share.of_meeting(talk), 1e-9)


def processes_for(meetings: int, capacity: float) -> int:
    """The fewest that hold so many meetings, evenly spread."""
    return max(1, math.ceil(meetings / capacity))


def crowded(meetings: int, processes: int, capacity: float) -> float:
    """The share of meetings on processes that have more than they hold.

    Meetings are spread by a hash, so those that a meeting shares its process with are Poisson's.
    """
    if processes == 1:
        return float(meetings > capacity)
    mean = meetings / processes
    fits = (math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(math.floor(capacity)))
    return max(0.0, 1 - sum(fits))


def shards_for(largest_pool: int) -> int:
    """A power of two, so that twice the shards halve each."""
    return max(FEWEST_SHARDS, 1 << (SHARDS_A_PROCESS * largest_pool - 1).bit_length())


def redis_plan(shares: RedisShares, demand: Demand, limits: Limits, rests: float = 1.0) -> RedisPlan:
    """Nodes, as fractions, that each resource asks for; `rests` times what was measured at rest."""

    def total(share: Share) -> float:
        return rests * share.idle + share.of_meeting(demand.talk) * demand.meetings

    kept = shares.result_bytes.of_meeting(demand.talk) * demand.meetings * demand.kept_hours * 3600
    return RedisPlan(
        total(shares.processors) / limits.busy,
        total(shares.commands) / limits.redis_commands,
        max(total(shares.in_bytes), total(shares.out_bytes)) / limits.redis_network_bytes,
        kept / limits.redis_memory_bytes,
    )


def _memory_gb(costs: Costs, demand: Demand, processes: Mapping[str, int]) -> float:
    idle = sum(share.idle * processes[pool] for pool, share in costs.memory_mb.items())
    further = sum(share.of_meeting(demand.talk) for share in costs.memory_mb.values()) * demand.meetings
    return (idle + further) / 1000
