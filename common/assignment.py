"""Which member should hold which shards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2s

BEATS_A_LEASE = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member says of itself: which shards it holds, the latest last, and whether it has just come."""

    held: tuple[int, ...] = ()
    newcomer: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """The members of a pool at one moment, and what they say; `joined`: whoever looks was none before.

    Nothing is known of what a member of an older version holds.
    """

    joined: bool
    members: Mapping[str, Standing | None]


class Share:
    """One member's share of the shards.

    For a lease after it joined, for the first time or again, it is a newcomer: one that fails at once,
    again and again, pulls no shards to itself.
    """

    def __init__(self, member: str, shards: int) -> None:
        self._member = member
        self._shards = shards
        self._beats = 0

    def standing(self, held: Iterable[int]) -> Standing:
        """What to say at the next heartbeat."""
        return Standing(tuple(held), newcomer=self._beats < BEATS_A_LEASE)

    def see(self, view: View) -> frozenset[int]:
        """What it should hold, by what came back from a heartbeat."""
        self._beats = 0 if view.joined else self._beats + 1
        return frozenset(assign(self._shards, view.members)[self._member])


def assign(shards: int, members: Mapping[str, Standing | None]) -> dict[str, set[int]]:
    """Share shards among members: counts differ by at most one, and as few shards move as can.

    Everybody keeps what it holds, up to its share. What nobody holds goes to whoever has room; what is
    held beyond a share goes, the latest first, to members that are no newcomers, and stays where those
    have no room. Every member computes the same. While one does not say what it holds, it is done as
    members did that said nothing: all shards are handed out, whoever holds them.
    """
    if None in members.values():
        members = dict.fromkeys(members, Standing())
    standings = {name: standing or Standing() for name, standing in members.items()}
    if not standings:
        return {}
    sharing = _Sharing(*divmod(shards, len(standings)), {name: set() for name in standings})
    holder: dict[int, str] = {}
    # Who may keep one more must not change while shards are given up, and counts fall.
    for name in sorted(standings, key=lambda name: (len(standings[name].held) <= sharing.cap, name)):
        holder.update((shard, name) for shard in sharing.keep(name, standings[name].held))
    kept = set().union(*sharing.shares.values())
    sharing.hand_out(set(range(shards)) - kept - holder.keys(), standings)
    settled = [name for name, standing in standings.items() if not standing.newcomer]
    for shard in sharing.hand_out(holder.keys() - kept, settled):
        sharing.shares[holder[shard]].add(shard)
    return sharing.shares


@dataclass(slots=True)
class _Sharing:
    """Shares in the making: of `cap` shards, and `larger` of them may still get one more."""

    cap: int
    larger: int
    shares: dict[str, set[int]]

    def keep(self, name: str, held: Iterable[int]) -> list[int]:
        """Give a member what it holds; returns what is beyond its share."""
        beyond: list[int] = []
        for shard in held:
            if self._has_room(name):
                self._add(name, shard)
            else:
                beyond.append(shard)
        return beyond

    def hand_out(self, shards: Iterable[int], names: Iterable[str]) -> set[int]:
        """Give shards to members with room; returns those that nobody has room for.

        Rendezvous hashing (Thaler and Ravishankar, 1998) with a cap: pairs of shard and member are
        taken by falling weight, so that members who see a little more or less agree on most.
        """
        left = set(shards)
        takers = [name for name in names if self._has_room(name)]
        pairs = sorted(
            ((_weight(shard, name), shard, name) for shard in left for name in takers), reverse=True
        )
        for _, shard, name in pairs:
            if shard in left and self._has_room(name):
                self._add(name, shard)
                left.remove(shard)
        return left

    def _has_room(self, name: str) -> bool:
        return len(self.shares[name]) < self.cap + (self.larger > 0)

    def _add(self, name: str, shard: int) -> None:
        self.larger -= len(self.shares[name]) == self.cap
        self.shares[name].add(shard)


def _weight(shard: int, member: str) -> bytes:
    return blake2s(f"{member}/{shard}".encode(), digest_size=8).digest()
