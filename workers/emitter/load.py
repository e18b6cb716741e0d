"""How much speech comes in, and what it would take to transcribe it at each service level."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.audio import SAMPLE_RATE
from common.identity import Meeting
from workers.emitter.batching import Kind
from workers.emitter.costs import Costs
from workers.emitter.effort import Effort
from workers.emitter.manner import Manner

_MEMORY_MS = 10_000.0
_LEAST_AGE_MS = 3000
_FORGOTTEN_AFTER_MS = 60_000
_SILENT_AFTER_MS = 3000
_TYPICAL_UTTERANCE_S = 5.0
_TYPICAL_SPEECH = 0.8
"""Of a meeting of which nothing is known: the share of its time in which somebody speaks."""
_LEAST_MS = 0.01
_WEIGHT = 0.05
_COMPANY_WEIGHT = 0.2
"""Of the newest utterance, or pass, in what is typical; utterances of meetings in step come in heaps."""
_DRAFTS = 2.0
"""Finals computed for each that is put out, where drafts are made."""


@dataclass(slots=True)
class _Stream:
    """Speech of one meeting: an exponentially fading sum, in samples."""

    since_ms: int
    heard_ms: int
    faded_ms: int
    fading: float = 0.0

    def hear(self, samples: int, now_ms: int) -> None:
        self.heard_ms = now_ms
        self.fade(now_ms)
        self.fading += samples

    def fade(self, now_ms: int) -> None:
        self.fading *= math.exp(-max(0, now_ms - self.faded_ms) / _MEMORY_MS)
        self.faded_ms = now_ms

    def rate(self, now_ms: int) -> float:
        """Seconds of speech a second. What comes at once to begin with is no rate."""
        self.fade(now_ms)
        seen = 1 - math.exp(-max(_LEAST_AGE_MS, now_ms - self.since_ms) / _MEMORY_MS)
        return self.fading / SAMPLE_RATE / (seen * _MEMORY_MS / 1000)


class Load:
    """Learns the rate of speech of every meeting, and turns it into work."""

    def __init__(self, efforts: Sequence[Effort], costs: Costs) -> None:
        self._efforts, self._costs = efforts, costs
        self._streams: dict[Meeting, _Stream] = {}
        self._utterance_s = _TYPICAL_UTTERANCE_S
        self._company = dict.fromkeys(Kind, 1.0)

    def hear(self, meeting: Meeting, samples: int, now_ms: int) -> None:
        """So much speech has come."""
        self._streams.setdefault(meeting, _Stream(now_ms, now_ms, now_ms)).hear(samples, now_ms)

    def ended(self, samples: int) -> None:
        """An utterance was so long."""
        self._utterance_s += _WEIGHT * (samples / SAMPLE_RATE - self._utterance_s)

    def passed(self, kind: Kind, windows: int) -> None:
        """So many windows shared a pass."""
        self._company[kind] += _COMPANY_WEIGHT * (windows - self._company[kind])

    def work(self, now_ms: int) -> dict[Meeting, tuple[float, ...]]:
        """Seconds of work a second, by meeting, at each service level."""
        silent = [m for m, s in self._streams.items() if now_ms - s.heard_ms > _FORGOTTEN_AFTER_MS]
        for meeting in silent:
            del self._streams[meeting]
        unit = self._unit()
        return {m: tuple(s.rate(now_ms) * cost for cost in unit) for m, s in self._streams.items()}

    def speaking(self, now_ms: int) -> list[Meeting]:
        """Meetings in which somebody speaks, or spoke a moment ago."""
        return [m for m, s in self._streams.items() if now_ms - s.heard_ms <= _SILENT_AFTER_MS]

    def headroom(self, work: Mapping[Meeting, tuple[float, ...]], capacity: float) -> float:
        """How many more meetings like these would get full service; negative where these are too many."""
        full = [levels[0] for levels in work.values()]
        typical = sum(full) / len(full) if full else 0.0
        typical = typical or _TYPICAL_SPEECH * self._unit()[0]
        return (capacity - sum(full)) / typical

    def _unit(self) -> tuple[float, ...]:
        """What a second of speech costs at each level, in seconds."""
        return (*map(self._per_second, self._efforts), 0.0)

    def _per_second(self, effort: Effort) -> float:
        final = effort.finals[-1].manner(round(self._utterance_s * SAMPLE_RATE))
        final_s = self._share_s(Kind.FINAL, final) / self._utterance_s
        final_s *= _DRAFTS if effort.drafts else 1
        if effort.partials is None:
            return final_s
        partial_s = self._share_s(Kind.PARTIAL, effort.partials.manner(0))
        return final_s + partial_s / (effort.partials.slowest / SAMPLE_RATE)

    def _share_s(self, kind: Kind, manner: Manner) -> float:
        """What one window costs in the usual company."""
        company = self._company[kind]
        return max(self._costs.predict_ms(manner, company), _LEAST_MS) / company / 1000
