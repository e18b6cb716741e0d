"""What the owner of shards needs of Redis, whether it is one server or a cluster."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from common.shelves import Place
from common.streams import keys
from common.streams.scripts import Arg, Call

FORGOTTEN = [b"FORGOTTEN"]


@dataclass(frozen=True, slots=True)
class Visit:
    """What to take to Redis at once: a commit for each shard that has one, then places to wait at.

    `after` says from which entry id on, `histories` under which history each shard was begun. It
    waits for `block_ms`, or not at all.
    """

    commits: Mapping[int, Call]
    after: Mapping[Place, str]
    histories: Mapping[int, str]
    read_count: int
    block_ms: int | None

    def is_outdated(self, shard: int, history: str) -> bool:
        """Whether what is known of the shard was learnt from another course of events."""
        return self.histories.get(shard, history) != history

    def without(self, shards: AbstractSet[int]) -> "Visit":
        """The same for all other shards."""
        commits = {shard: call for shard, call in self.commits.items() if shard not in shards}
        after = {place: last for place, last in self.after.items() if place[0] not in shards}
        return replace(self, commits=commits, after=after)

    def waiting(self) -> list[Arg]:
        """The command that waits at all places at once."""
        names = [keys.stream(shard, stream) for shard, stream in self.after]
        return xread(names, self.after.values(), self.read_count, self.block_ms)

    def places(self, shard: int) -> dict[str, str]:
        """Where to wait for a shard, by the keys of its streams, after which ids."""
        return {keys.stream(*place): last for place, last in self.after.items() if place[0] == shard}


@dataclass(frozen=True, slots=True)
class Trip:
    """What came back: replies to commits by shard, after how long, and what XREAD said by key.

    An error as the reply of a shard stands for all that concerns it, commit or not.
    """

    replies: Mapping[int, Any]
    commit_s: float
    news: Sequence[tuple[bytes, Any]] = field(default_factory=list)


class Link(Protocol):
    """The way to Redis. Blocks; not for two threads at once."""

    def exchange(self, visit: Visit) -> Trip:
        """Write each commit, all or nothing, then wait for entries.

        A shard whose history is another one by now gets the reply FORGOTTEN, and nothing of it is sent.
        Raises an error of `PASSING` where no server answers.
        """

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts, each at its first key; an error as the reply of one that got none.

        Raises an error of `PASSING` where no server answers.
        """

    def ask(self, commands: Sequence[Sequence[Arg]]) -> list[Any]:
        """Run commands, each at its first argument; otherwise like `run`."""

    def history_of(self, shard: int) -> str:
        """Which course of events the server of the shard stands for. Raises an error of `PASSING`."""

    def leave(self, shard: int) -> None:
        """The shard is no longer ours to wait for."""

    def close(self) -> None:
        """Hang up."""


def xread(names: Iterable[str], after: Iterable[str], read_count: int, block_ms: int | None) -> list[Arg]:
    """The command that reads these streams after those ids; it takes nothing."""
    block: list[Arg] = [] if block_ms is None else ["BLOCK", block_ms]
    return ["XREAD", "COUNT", read_count, *block, "STREAMS", *names, *after]


def checked(replies: list[Any]) -> list[Any]:
    """The same replies. Raises the first error among them."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
