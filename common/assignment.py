"""Which member should hold which shards."""

from collections.abc import Sequence
from hashlib import blake2s


def assign(shards: int, members: Sequence[str]) -> dict[str, set[int]]:
    """Share shards among members: counts differ by at most one, few move when a member comes or goes.

    Rendezvous hashing (Thaler and Ravishankar, 1998) with a cap: pairs of shard and member are
    taken by falling weight while the member has room. Every member computes the same.
    """
    held: dict[str, set[int]] = {member: set() for member in sorted(set(members))}
    if not held:
        return held
    cap, larger = divmod(shards, len(held))
    pairs = sorted(
        ((_weight(shard, member), shard, member) for shard in range(shards) for member in held), reverse=True
    )
    placed: set[int] = set()
    for _, shard, member in pairs:
        if shard in placed or len(held[member]) >= cap + (larger > 0):
            continue
        larger -= len(held[member]) == cap
        held[member].add(shard)
        placed.add(shard)
    return held


def _weight(shard: int, member: str) -> bytes:
    return blake2s(f"{member}/{shard}".encode(), digest_size=8).digest()
