"""The way to a cluster: a connection to each primary, and one to wait at for each shard.

One XREAD can wait at one slot only, and a connection that waits can carry nothing else. So commits
and other scripts go in one write to each node that has some of the shards, while each shard's wait
is parked on a connection of its own (`Listener`), all of them watched at once.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import AskError, ClusterDownError, TryAgainError

from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.client import PASSING
from common.streams.cluster_nodes import ClusterNodes
from common.streams.link import FORGOTTEN, Trip, Visit
from common.streams.listener import Listeners
from common.streams.node import Node
from common.streams.scripts import Arg, Call
from common.streams.wire import Wire

_TIMEOUT_S = 2.0
_MOVED = (AskError, ClusterDownError, TryAgainError)


@dataclass(frozen=True, slots=True)
class _Round:
    """A visit under way: the shards that each node has, and what is known of them so far.

    A shard of which something is known is not gone on with.
    """

    visit: Visit
    nodes: Sequence[tuple[Node, Sequence[int]]]
    replies: dict[int, Any]
    awaited: set[int] = field(default_factory=set)

    def committing(self, shards: Sequence[int]) -> list[int]:
        """Those of the shards that have a commit to send."""
        return [n for n in shards if n in self.visit.commits and n not in self.replies]


class ClusterLink:
    """While a node is away, only its shards are; whoever takes its place is found by asking the others."""

    def __init__(self, settings: RedisSettings) -> None:
        wait_s = settings.wait_ms / 1000 if settings.wait_replicas else 0
        self._nodes = ClusterNodes(settings, _TIMEOUT_S + wait_s)
        self._listeners = Listeners(self._nodes)

    def exchange(self, visit: Visit) -> Trip:
        """Commits to every node at once, then the wait for the first news of any."""
        shards = sorted({*visit.commits, *(place[0] for place in visit.after)})
        if not shards:
            return Trip({}, 0.0)
        served, failed = self._nodes.sort([_name(shard) for shard in shards])
        nodes = [(self._nodes.node_at(place), [shards[i] for i in part]) for place, part in served.items()]
        under_way = _Round(visit, nodes, {shards[i]: error for i, error in failed.items()})
        began = time.perf_counter()
        sent = self._send(under_way)
        self._wait_at(under_way)
        self._receive(under_way, sent)
        commit_s = time.perf_counter() - began
        replies = under_way.replies
        if all(isinstance(replies.get(shard), PASSING) for shard in shards):
            raise replies[shards[0]]
        news, lost = self._listeners.hear(under_way.awaited, visit.block_ms)
        if lost:
            self._nodes.doubt()
        return Trip(replies | lost, commit_s, news)

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """At each node those calls whose first key it serves."""
        return self._at_nodes(
            [call[1][0] for call in calls], lambda wire, part: wire.run([calls[i] for i in part])
        )

    def ask(self, commands: Sequence[Sequence[Arg]]) -> list[Any]:
        """At each node those commands whose first argument it serves."""
        names = [str(command[1]) for command in commands]
        return self._at_nodes(names, lambda wire, part: wire.ask([commands[i] for i in part]))

    def history_of(self, shard: int) -> str:
        """That of the node which serves the shard now."""
        return self._nodes.serving(_name(shard)).wire.history

    def leave(self, shard: int) -> None:
        """Wait for it no more."""
        self._listeners.leave(shard)

    def close(self) -> None:
        """Hang up."""
        self._listeners.close()
        self._nodes.close()

    def _send(self, under_way: _Round) -> list[tuple[Node, list[int]]]:
        """Commits to each node, in one write; returns what is owed replies."""
        sent = []
        for node, shards in under_way.nodes:
            for shard in shards:
                if under_way.visit.is_outdated(shard, node.wire.history):
                    under_way.replies[shard] = FORGOTTEN
            committing = under_way.committing(shards)
            try:
                if committing:
                    node.wire.send_commits([under_way.visit.commits[n] for n in committing])
            except PASSING as error:
                self._give_up(under_way, node, shards, error)
            else:
                sent.append((node, committing))
        return sent

    def _wait_at(self, under_way: _Round) -> None:
        wanted = {place[0] for place in under_way.visit.after}
        for node, shards in under_way.nodes:
            for shard in wanted.intersection(shards) - under_way.replies.keys():
                try:
                    self._listeners.wait_at(shard, node, under_way.visit)
                except PASSING as error:
                    self._nodes.doubt()
                    under_way.replies[shard] = error
                else:
                    under_way.awaited.add(shard)

    def _receive(self, under_way: _Round, sent: Sequence[tuple[Node, list[int]]]) -> None:
        for node, committing in sent:
            calls = [under_way.visit.commits[n] for n in committing]
            try:
                replies = node.wire.again(calls, node.wire.receive_commits(calls))
            except PASSING as error:
                shards = next(shards for other, shards in under_way.nodes if other is node)
                self._give_up(under_way, node, shards, error)
                continue
            if any(isinstance(reply, _MOVED) for reply in replies):
                self._nodes.doubt()
            under_way.replies.update(zip(committing, replies, strict=True))

    def _give_up(self, under_way: _Round, node: Node, shards: Sequence[int], error: Exception) -> None:
        node.leave_alone()
        self._nodes.doubt()
        for shard in shards:
            under_way.replies.setdefault(shard, error)

    def _at_nodes(self, names: Sequence[str], do: Callable[[Wire, list[int]], list[Any]]) -> list[Any]:
        served, failed = self._nodes.sort(names)
        replies: list[Any] = [failed.get(i) for i in range(len(names))]
        for place, part in served.items():
            node = self._nodes.node_at(place)
            try:
                answers = do(node.wire, part)
            except PASSING as error:
                node.leave_alone()
                self._nodes.doubt()
                answers = [error] * len(part)
            if any(isinstance(answer, _MOVED) for answer in answers):
                self._nodes.doubt()
            for i, answer in zip(part, answers, strict=True):
                replies[i] = answer
        if replies and all(isinstance(reply, PASSING) for reply in replies):
            raise replies[0]
        return replies


def _name(shard: int) -> str:
    """Any key of the shard: all are in one slot."""
    return keys.stream(shard, Stream.RESULTS)
