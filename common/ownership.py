"""The shards a process holds now, and those that come, go, or must be replayed.

Changes are noted at any time and made by `settle`, between two calls of the stage.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

from common.commit import OwnedShard
from common.membership import Membership
from common.stage import Stream
from common.streams.fenced import FencedShards
from common.streams.leases import Lease

BEGINNING = "0"


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
        """Whether there is nothing to change."""
        unwanted = membership.unwanted and not membership.unwanted.isdisjoint(self.owned)
        return not (self._changes or self._restarting or unwanted)

    def settle(self, membership: Membership) -> None:
        """Make the changes noted so far. Raises what Redis raises; call again to go on."""
        while self._changes:
            change, lease = self._changes[0]
            if change == "lose":
                self._drop(lease)
            else:
                self._begin(lease, 0, careful=False)
            self._changes.popleft()
        unwanted = [shard.lease for number, shard in self.owned.items() if number in membership.unwanted]
        for lease in unwanted:
            self._drop(lease)
        membership.give_up(unwanted)
        for number, careful in list(self._restarting.items()):
            if number in self.owned:
                self._release(number)
                self._begin(self.owned[number].lease, self.owned[number].sequence, careful=careful)
            del self._restarting[number]

    def _begin(self, lease: Lease, sequence: int, *, careful: bool) -> None:
        """Read from the start what is pending, and drop what was committed before."""
        self.owned[lease.shard] = OwnedShard(
            lease,
            watermarks=self._shards.watermarks(lease.shard),
            reached=self._shards.reached(lease.shard),
            replaying=dict.fromkeys(self._inputs, BEGINNING),
            sequence=sequence,
            careful=careful,
        )

    def _drop(self, lease: Lease) -> None:
        shard = self.owned.get(lease.shard)
        if shard is not None and shard.lease == lease:
            del self.owned[lease.shard]
            self._release(lease.shard)
