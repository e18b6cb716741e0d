"""The shards a process holds now, and those that come, go, or must be replayed.

Changes are noted at any time and made by `settle`, between two calls of the stage.
"""

from collections.abc import Callable, Iterable

from common.commit import OwnedShard
from common.membership import Membership
from common.stage import Stream
from common.streams.fenced import FencedShards
from common.streams.leases import Lease

BEGINNING = "0"


class Ownership:
    """Keeps `owned`, by shard number; `release` is the stage's."""

    def __init__(
        self, shards: FencedShards, inputs: Iterable[Stream], release: Callable[[int], None]
    ) -> None:
        self._shards = shards
        self._inputs = tuple(inputs)
        self._release = release
        self._arriving: dict[int, Lease] = {}
        self._leaving: list[Lease] = []
        self._restarting: dict[int, bool] = {}
        self.owned: dict[int, OwnedShard] = {}

    def take(self, lease: Lease) -> None:
        """Begin with a shard."""
        self._arriving[lease.shard] = lease

    def lose(self, lease: Lease) -> None:
        """Stop with a shard: it has another owner."""
        if self._arriving.get(lease.shard) == lease:
            del self._arriving[lease.shard]
        self._leaving.append(lease)

    def restart(self, numbers: Iterable[int], *, careful: bool) -> None:
        """Replay shards; once told to be careful, that stays."""
        for number in numbers:
            self._restarting[number] = careful or self._restarting.get(number, False)

    async def settle(self, membership: Membership) -> None:
        """Make the changes noted so far. Raises what Redis raises; call again to go on."""
        while self._leaving:
            self._drop(self._leaving.pop())
        unwanted = [shard.lease for number, shard in self.owned.items() if number in membership.unwanted]
        for lease in unwanted:
            self._drop(lease)
        if unwanted:
            await membership.give_up(unwanted)
        for number, careful in list(self._restarting.items()):
            if number in self.owned:
                self._release(number)
                await self._begin(self.owned[number].lease, self.owned[number].sequence, careful=careful)
            del self._restarting[number]
        for lease in list(self._arriving.values()):
            await self._begin(lease, 0, careful=False)
            self._arriving.pop(lease.shard, None)

    async def _begin(self, lease: Lease, sequence: int, *, careful: bool) -> None:
        """Read from the start what is pending, and drop what was committed before."""
        self.owned[lease.shard] = OwnedShard(
            lease,
            watermarks=await self._shards.watermarks(lease.shard),
            delivered=await self._shards.delivered(lease.shard),
            replaying=dict.fromkeys(self._inputs, BEGINNING),
            sequence=sequence,
            careful=careful,
        )

    def _drop(self, lease: Lease) -> None:
        shard = self.owned.get(lease.shard)
        if shard is not None and shard.lease == lease:
            del self.owned[lease.shard]
            self._release(lease.shard)
