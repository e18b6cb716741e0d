"""What the tests of several stages share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Forget, Stage, Stream, Tally


@dataclass
class Ledger:
    """What a shard keeps of one stage: pending entries, watermarks, and what was put out.

    `crash` stands for a process that dies: its successor gets the pending entries again.
    """

    new_stage: Callable[[], Stage]
    pending: dict[EntryId, Entry] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)
    out: list[Append] = field(default_factory=list)
    tallies: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage = self.new_stage()
        self.again: list[Entry] = []
        self.busy = False

    def deliver(self, entries: Sequence[Entry], *, now_ms: int = 0, lost: bool = False) -> None:
        """One call of the loop; `lost` drops its effects, as a crash before the commit does."""
        self.pending.update((entry.id, entry) for entry in entries)
        step = self.stage.process([*self.again, *entries], now_ms)
        self.again, self.busy = [], step.busy
        if lost:
            self.crash()
        else:
            self._commit(step.effects)

    def settle(self, *, now_ms: int = 0) -> None:
        """Call until the stage has nothing left to do."""
        self.deliver([], now_ms=now_ms)
        while self.busy:
            self.deliver([], now_ms=now_ms)

    def crash(self) -> None:
        """Another process takes over."""
        self.stage = self.new_stage()
        self.again = list(self.pending.values())

    def messages(self) -> list:
        """What was put out, in order."""
        return [append.message for append in self.out]

    def _commit(self, effects: Iterable[Effect]) -> None:
        before = dict(self.watermarks)
        for effect in effects:
            match effect:
                case Acknowledge(entry):
                    del self.pending[entry]
                case Forget(_, key):
                    self.watermarks.pop(key, None)
                case Append(at=at) | Tally(at=at) if at is None or at.value > before.get(at.key, -1):
                    if at is not None:
                        self.watermarks[at.key] = max(at.value, self.watermarks.get(at.key, -1))
                    self._keep(effect)

    def _keep(self, effect: Append | Tally) -> None:
        if isinstance(effect, Append):
            self.out.append(effect)
        else:
            self.tallies[effect.counter] = self.tallies.get(effect.counter, 0) + effect.amount


def numbered(messages: Iterable, stream: Stream, shard: int = 0) -> list[Entry]:
    """Messages as entries of a stream."""
    return [Entry(EntryId(shard, stream, f"{i}-0"), message) for i, message in enumerate(messages)]


@pytest.fixture
def ledger() -> type[Ledger]:
    return Ledger


@pytest.fixture
def as_entries() -> Callable[..., list[Entry]]:
    return numbered
