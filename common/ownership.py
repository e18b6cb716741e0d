"""The shards a process holds now, and those that come, go, or must be replayed.

Changes are noted at any time and made by `settle`, between two calls of the stage.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from common.commit import OwnedShard
from common.membership import Membership
from common.stage import Stream
from common.streams.client import PASSING
from common.streams.fenced import Beginning, FencedShards
from common.streams.leases import Lease

BEGINNING = "0"
RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class _Start:
    """A shard to begin with, after so many commits under its lease."""

    lease: Lease
    sequence: int
    careful: bool


class Ownership:
    """Keeps `owned`, by shard number; `release` is the stage's.

    `take` and `lose` may come from any thread, the rest from that of the stage loop.
    """

    def __init__(
        self, shards: FencedShards, inputs: Iterable[Stream], release: Callable[[int], None]
    ) -> None:
        self._shards = shards
        self._inputs = tuple(inputs)
        self._release = release
        self._changes: deque[tuple[Literal["take", "lose"], Lease]] = deque()
        self._restarting: dict[int, bool] = {}
        self._starting: dict[int, _Start] = {}
        self._retry_at = 0.0
        self.owned: dict[int, OwnedShard] = {}

    def take(self, lease: Lease) -> None:
        """Begin with a shard."""
        self._changes.append(("take", lease))

    def lose(self, lease: Lease) -> None:
        """Stop with a shard: it has another owner."""
        self._changes.append(("lose", lease))

    def restart(self, numbers: Iterable[int], *, careful: bool) -> None:
        """Replay shards; once told to be careful, that stays."""
        for number in numbers:
            self._restarting[number] = careful or self._restarting.get(number, False)

    def is_settled(self, membership: Membership) -> bool:
        """Whether there is nothing to change now."""
        held = self.owned.keys() | self._starting.keys() if membership.unwanted else ()
        unwanted = membership.unwanted and not membership.unwanted.isdisjoint(held)
        due = self._starting and time.monotonic() >= self._retry_at
        return not (self._changes or self._restarting or unwanted or due)

    def settle(self, membership: Membership) -> list[Exception]:
        """Make the changes noted so far; returns why shards could not be begun, which are tried again."""
        while self._changes:
            change, lease = self._changes.popleft()
            self._drop(lease)
            if change == "take":
                self._starting[lease.shard] = _Start(lease, 0, careful=False)
        self._give_up_unwanted(membership)
        for number, careful in self._restarting.items():
            shard = self.owned.get(number)
            if shard is not None:
                self._drop(shard.lease)
                self._starting[number] = _Start(shard.lease, shard.sequence + 1, careful)
        self._restarting.clear()
        return self._begin_all()

    def _give_up_unwanted(self, membership: Membership) -> None:
        held = [*(shard.lease for shard in self.owned.values()), *(s.lease for s in self._starting.values())]
        unwanted = [lease for lease in held if lease.shard in membership.unwanted]
        for lease in unwanted:
            self._drop(lease)
        membership.give_up(unwanted)

    def _begin_all(self) -> list[Exception]:
        if not self._starting:
            return []
        try:
            outcomes = self._shards.begin({s.lease: s.sequence for s in self._starting.values()})
        except PASSING as error:
            outcomes = {start.lease: error for start in self._starting.values()}
        for lease, outcome in outcomes.items():
            if not isinstance(outcome, Exception):
                self._begin(self._starting.pop(lease.shard), outcome)
        failures = [outcome for outcome in outcomes.values() if isinstance(outcome, Exception)]
        if failures:
            self._retry_at = time.monotonic() + RETRY_S
        return failures

    def _begin(self, start: _Start, beginning: Beginning | None) -> None:
        """Read from the start what is pending, and drop what was committed before."""
        if beginning is None:
            return  # another owner has it, as the next renewal of the lease will tell
        self.owned[start.lease.shard] = OwnedShard(
            start.lease,
            beginning.watermarks,
            beginning.reached,
            replaying=dict.fromkeys(self._inputs, BEGINNING),
            sequence=start.sequence,
            careful=start.careful,
        )

    def _drop(self, lease: Lease) -> None:
        start = self._starting.get(lease.shard)
        if start is not None and start.lease == lease:
            del self._starting[lease.shard]
        shard = self.owned.get(lease.shard)
        if shard is not None and shard.lease == lease:
            del self.owned[lease.shard]
            self._release(lease.shard)
            self._shards.leave(lease.shard)
