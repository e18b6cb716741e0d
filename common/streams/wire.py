"""A blocking connection to one server that carries many commands a round trip.

A client of redis-py spends more on each command than the server does. What runs for every batch
of entries packs and parses with hiredis itself; connecting, logging in and TLS stay redis-py's.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hiredis import pack_command
from redis.connection import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError
from redis.sentinel import Sentinel

from common.settings import RedisSettings
from common.streams.address import Address, parse_address
from common.streams.client import connection_options, refusal
from common.streams.link import FORGOTTEN, Trip, Visit, checked
from common.streams.replicas import is_replicated, wait_command
from common.streams.scripts import Arg, Call, script_command, script_source

Command = Sequence[Arg]
Dial = Callable[[], str]


class Wire:
    """Not for two threads at once. Connects when first used, and again after an error of `PASSING`.

    `dial` says before each connecting which server that is, by its URL; without it, the settings do.
    `history` names the server and the course of events it stands for: it is another one after a
    restart that may have lost something, and where another server took over.
    """

    def __init__(self, settings: RedisSettings, *, dial: Dial | None = None, timeout_s: float = 10) -> None:
        self._options = connection_options(timeout_s)
        self._dial = dial or dial_of(parse_address(settings.address), self._options)
        self._wait = wait_command(settings)
        self._connection: Any = None
        self.history = ""

    @property
    def is_connected(self) -> bool:
        """Whether it can be sent to at once, as far as one can tell."""
        return self._connection is not None and self._connection.is_connected

    def connect(self) -> None:
        """Be connected, and know the server's history."""
        if self.is_connected:
            return
        connection: Any = ConnectionPool.from_url(self._dial(), **self._options).make_connection()
        connection.connect()
        self._connection = connection
        try:
            (info,) = checked(self.ask([("INFO", "server", "replication")]))
        except BaseException:
            self.close()
            raise
        facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        self.history = f"{facts['run_id']}/{facts['master_replid']}"

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands, each of which is owed a `receive`."""
        self.connect()
        self._push(commands)

    def _push(self, commands: Iterable[Command]) -> None:
        """Send on the connection there is: on another one it might be another server."""
        if not self.is_connected:
            raise RedisConnectionError("the connection was lost")
        packed = b"".join([pack_command(tuple(c)) for c in commands])  # type: ignore[arg-type]  # of any length
        self._connection.send_packed_command([packed], check_health=False)

    def receive(self, count: int) -> list[Any]:
        """The next replies, in order; an error of one command as its reply."""
        return [self._reply() for _ in range(count)]

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands; an error of one command as its reply."""
        self.send(commands)
        return self.receive(len(commands))

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts; an error of one call as its reply."""
        if not calls:
            return []
        self.send(map(script_command, calls))
        return self.again(calls, self.receive(len(calls)))

    def exchange(self, visit: Visit) -> Trip:
        """Commits and the wait for what is next, in one round trip."""
        self.connect()
        outdated = {shard for shard, begun in visit.histories.items() if begun != self.history}
        if outdated:
            visit = visit.without(outdated)
        calls = list(visit.commits.values())
        waits = [visit.waiting()] if visit.after else []
        began = time.perf_counter()
        self.send_commits(calls, waits)
        replies = self.receive_commits(calls)
        commit_s = time.perf_counter() - began
        news = checked(self.receive(1))[0] if waits else None
        known = dict(zip(visit.commits, self.again(calls, replies), strict=True))
        known |= dict.fromkeys(outdated, FORGOTTEN)
        return Trip(known, commit_s, news or ())

    def send_commits(self, calls: Sequence[Call], then: Sequence[Command] = ()) -> None:
        """Send scripts whose effects replicas should have; owed a `receive_commits`."""
        wait = [self._wait] if self._wait and calls else []
        self._push([*map(script_command, calls), *wait, *then])

    def receive_commits(self, calls: Sequence[Call]) -> list[Any]:
        """Their replies, once replicas have them or are too late."""
        replies = self.receive(len(calls))
        if self._wait and calls:
            is_replicated(self._wait, self.receive(1)[0])
        return replies

    def again(self, calls: Sequence[Call], replies: Sequence[Any]) -> list[Any]:
        """Teach the server scripts that it did not know, and repeat only the calls that it refused."""
        settled = list(replies)
        refused = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if refused:
            for name in {calls[i][0] for i in refused}:
                self._push([("SCRIPT", "LOAD", script_source(name))])
                checked(self.receive(1))
            self._push([script_command(calls[i]) for i in refused])
            for i, reply in zip(refused, self.receive(len(refused)), strict=True):
                settled[i] = reply
        return settled

    def history_of(self, shard: int) -> str:
        """The same for all shards."""
        self.connect()
        return self.history

    def leave(self, shard: int) -> None:
        """Nothing is kept of a shard."""

    def fileno(self) -> int:
        """Of its socket, to wait on; it must be connected."""
        number: int = self._connection._sock.fileno()  # redis-py shows it to nobody
        return number

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.disconnect()

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except ReadOnlyError as error:
            self.close()  # another server is the primary now: ask again which
            raise RedisConnectionError(str(error)) from error
        except ResponseError as error:
            return refusal(error)


def dial_of(address: Address, options: Mapping[str, Any]) -> Dial:
    """How to find the one server of this address: Sentinels are asked each time."""
    if address.kind == "sentinel":
        return _ask_sentinels(address, options)
    return lambda: address.whole


def _ask_sentinels(address: Address, options: Mapping[str, Any]) -> Dial:
    sentinel: Any = Sentinel(address.nodes, sentinel_kwargs=dict(options))  # type: ignore[no-untyped-call]

    def ask() -> str:
        host, port = sentinel.discover_master(address.service)
        return address.url(host, port)

    return ask
