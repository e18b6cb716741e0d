"""Which service level each meeting gets: what the machine can keep up with, fairly shared."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.identity import Meeting
from common.service_level import ServiceLevel

_CAPACITY_LEAST = 0.05
_BACK_OFF = 0.8
_BACK_OFF_PAUSE_MS = 2000
"""So long it takes until less service shows in what comes late."""
_GROWTH_PER_S = 0.1
_SERVED_FOR_MS = 30_000.0
"""What a meeting was given weighs less by a factor of e after so long."""
_SERVED_STEP_MS = 1000.0
"""Meetings that differ by less were given the same: they need not take turns at every pass."""


@dataclass(slots=True)
class _Standing:
    """A meeting's level since when, and the time it was given lately."""

    level: int
    since_ms: int
    served_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Levels that may be given, best first; a meeting comes up again after `calm_ms` at the earliest."""

    allowed: range
    calm_ms: int
    priority: Callable[[Meeting], int]


class Service:
    """Gives each meeting the best level for which there is capacity.

    The emitter's capacity falls by a fifth whenever results come late, and grows slowly while they
    don't (additive increase, multiplicative decrease: D. Chiu and
    R. Jain, 1989), so that wrong predictions of cost correct themselves. What there is goes to
    higher priorities first, and within one to those that were given least lately.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._meetings: dict[Meeting, _Standing] = {}
        self._capacity = 1.0
        self._backed_off_ms = self._planned_ms = 0

    @property
    def capacity(self) -> float:
        """Seconds of predicted work a second that can be promised."""
        return self._capacity

    @property
    def best(self) -> int:
        """The best level that may be given."""
        return self._rules.allowed[0]

    def priority(self, meeting: Meeting) -> int:
        """Who goes first where there is not enough for all; the higher."""
        return self._rules.priority(meeting)

    def level(self, meeting: Meeting) -> int:
        """The level in force for a meeting; the best one for a new meeting."""
        standing = self._meetings.get(meeting)
        return standing.level if standing else self.best

    def served(self, meeting: Meeting, ms: float) -> None:
        """Computing for a meeting took so long."""
        if meeting in self._meetings:
            self._meetings[meeting].served_ms += ms

    def plan(self, loads: Mapping[Meeting, tuple[float, ...]], now_ms: int, *, late: bool) -> list[Meeting]:
        """Assign levels; returns the meetings whose level changed.

        `loads` holds the work that each level would make of each meeting, in seconds a second, best
        level first; meetings not in it are forgotten. `late` says that results are out of their budget.
        """
        elapsed_ms = min(max(0, now_ms - self._planned_ms), 1000)
        self._planned_ms = now_ms
        self._adapt(now_ms, elapsed_ms, late=late)
        self._enter(loads, now_ms, elapsed_ms)
        wanted = self._wanted(loads)
        return [meeting for meeting, level in wanted.items() if self._move(meeting, level, now_ms)]

    def _adapt(self, now_ms: int, elapsed_ms: int, *, late: bool) -> None:
        if not late:
            self._capacity = min(1.0, self._capacity + _GROWTH_PER_S * elapsed_ms / 1000)
        elif now_ms - self._backed_off_ms >= _BACK_OFF_PAUSE_MS:
            self._backed_off_ms = now_ms
            self._capacity = max(_CAPACITY_LEAST, self._capacity * _BACK_OFF)

    def _enter(self, loads: Mapping[Meeting, tuple[float, ...]], now_ms: int, elapsed_ms: int) -> None:
        fade = math.exp(-elapsed_ms / _SERVED_FOR_MS)
        self._meetings = {m: self._meetings.get(m) or _Standing(self.best, now_ms) for m in loads}
        for standing in self._meetings.values():
            standing.served_ms *= fade

    def _wanted(self, loads: Mapping[Meeting, tuple[float, ...]]) -> dict[Meeting, int]:
        """Level by level, from the worst: whoever is first in line is lifted as far as capacity goes.

        Nothing is deferred on a prediction alone, but only once results have come late.
        """
        worst = self._rules.allowed[-1]
        if self._capacity >= 1.0:
            worst = min(worst, max(self.best, ServiceLevel.FINALS))
        levels = dict.fromkeys(self._line(), worst)
        left = self._capacity - sum(loads[meeting][worst] for meeting in levels)
        for level in reversed(range(self.best, worst)):
            for meeting in levels:
                extra = loads[meeting][level] - loads[meeting][level + 1]
                if levels[meeting] == level + 1 and extra <= left:
                    levels[meeting], left = level, left - extra
        return levels

    def _line(self) -> list[Meeting]:
        def place(meeting: Meeting) -> tuple[int, float, str, str]:
            served = self._meetings[meeting].served_ms // _SERVED_STEP_MS
            return -self._rules.priority(meeting), served, meeting.tenant, meeting.id

        return sorted(self._meetings, key=place)

    def _move(self, meeting: Meeting, level: int, now_ms: int) -> bool:
        """Down at once; up when the level has held for a while."""
        standing = self._meetings[meeting]
        if level == standing.level:
            return False
        if level < standing.level and now_ms - standing.since_ms < self._rules.calm_ms:
            return False
        standing.level, standing.since_ms = level, now_ms
        return True
