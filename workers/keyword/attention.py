"""How many utterances are listened to, and whose go when they are too many."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from common.identity import Meeting
from workers.keyword.pace import Pace
from workers.keyword.utterance import Utterance

_AFFORDABLE = 0.75
"""Of the time there is, what may be spent on listening once the pool was behind."""
_AFFORDABLE_WHEN_CALM = 0.85
_CALM_MS = 5000
_LATE_CALLS = 2
"""One late call is a hiccup."""
_HOPELESS = 4
"""What is here would take so many budgets: no hiccup, and working it off would make all later audio late."""
_SERVED_FOR_MS = 30_000.0
"""What a meeting was given weighs less by a factor of e after so long."""
_SERVED_STEP_S = 3.0
"""Meetings that differ by less were given the same: none is cut short for the other."""
_LEAST_SERVED_S = 0.1
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Rules:
    """At `most` so many utterances at once; fewer where results would be later than `budget_ms`.

    An infinite budget takes none away.
    """

    most: int
    budget_ms: float
    priority: Callable[[Meeting], int]


@dataclass(slots=True)
class _Peak:
    """The most there was lately."""

    value: int = 0
    at_ms: int = 0

    def note(self, value: int, now_ms: int) -> None:
        if value >= self.value or now_ms - self.at_ms >= _CALM_MS:
            self.value, self.at_ms = value, now_ms


@dataclass(slots=True)
class Audio:
    """Seconds of an utterance of a meeting that wait to be listened to."""

    meeting: Meeting
    seconds: float = 0.0


@dataclass(slots=True)
class _Share:
    """Seconds of a meeting's speech listened to, fading."""

    served_s: float = 0.0
    at_ms: int = 0


class Attention:
    """Goes to the meetings with the highest priority, and among those to who got least of it lately.

    Audio that comes while a batch is worked on waits for the next one, so the two together must
    fit the budget. When they don't twice running, `limit` falls to what a steady load may take; it
    rises again after a calm while, to a little more, and ends when that is enough for all. What is
    several budgets late is not worked off: as much as fits is listened to, the rest passed over.
    It is `behind` where half the budget is spent already.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pace = Pace()
        self._took_ms = 0.0
        self._late = 0
        self._stirred_ms = 0
        self.behind = False
        self._wanted = _Peak()
        self._shares: dict[Meeting, _Share] = {}
        self.limit = rules.most

    @property
    def scarce(self) -> bool:
        """Whether somebody goes without."""
        return self.limit < self._rules.most

    def plan(self, here: Mapping[_Key, Audio], open_utterances: int, now_ms: int) -> frozenset[_Key]:
        """Set the limit, before the audio that is `here` is listened to; some of it must be passed over.

        `open_utterances` would like to be heard.
        """
        self._wanted.note(open_utterances, now_ms)
        work_ms = sum(audio.seconds for audio in here.values()) * self._pace.ms_per_s
        delay_ms = self._took_ms + work_ms
        self._late = self._late + 1 if delay_ms > self._rules.budget_ms else 0
        hopeless = work_ms > _HOPELESS * self._rules.budget_ms
        if hopeless or self._late >= _LATE_CALLS:
            self.limit = min(self.limit, self._affordable(_AFFORDABLE))
        self.behind = delay_ms > self._rules.budget_ms / 2
        if self.behind:
            self._stirred_ms = now_ms
        elif self.scarce and now_ms - self._stirred_ms >= _CALM_MS:
            self._relax()
        return frozenset(self._beyond_budget(here, now_ms)) if hopeless else frozenset()

    def learn(self, audio_s: float, took_ms: float) -> None:
        """Listening to so much, and all that came with it, took so long."""
        self._took_ms = took_ms
        self._pace.learn(audio_s, took_ms)

    def served(self, meeting: Meeting, audio_s: float, now_ms: int) -> None:
        """So much speech of a meeting is listened to."""
        share = self._shares.setdefault(meeting, _Share())
        share.served_s, share.at_ms = self._served(meeting, now_ms) + audio_s, now_ms

    def surplus(self, listening: Iterable[Utterance], now_ms: int) -> list[Utterance]:
        """Those that must go to keep the limit; the latest, where nobody was made to wait for others."""
        line = list(listening)
        if self.scarce:
            line.sort(key=lambda utterance: self._place(utterance.meeting, now_ms))
        return line[self.limit :]

    def sweep(self, now_ms: int) -> None:
        """Forget who got nothing for long."""
        self._shares = {
            meeting: share
            for meeting, share in self._shares.items()
            if self._served(meeting, now_ms) >= _LEAST_SERVED_S
        }

    def _beyond_budget(self, here: Mapping[_Key, Audio], now_ms: int) -> Iterator[_Key]:
        left_ms = self._rules.budget_ms
        for key in sorted(here, key=lambda key: self._place(here[key].meeting, now_ms)):
            cost_ms = here[key].seconds * self._pace.ms_per_s
            if cost_ms <= left_ms:
                left_ms -= cost_ms
            else:
                yield key

    def _relax(self) -> None:
        affordable = self._affordable(_AFFORDABLE_WHEN_CALM)
        enough = affordable >= self._wanted.value
        self.limit = self._rules.most if enough else max(self.limit, affordable)

    def _affordable(self, share: float) -> int:
        return max(1, int(share * 1000 / self._pace.ms_per_s))

    def _place(self, meeting: Meeting, now_ms: int) -> tuple[int, float]:
        return -self._rules.priority(meeting), self._served(meeting, now_ms) // _SERVED_STEP_S

    def _served(self, meeting: Meeting, now_ms: int) -> float:
        share = self._shares.get(meeting)
        if share is None:
            return 0.0
        return share.served_s * math.exp(-max(0, now_ms - share.at_ms) / _SERVED_FOR_MS)
