"""A blocking connection to Redis that carries many commands a round trip.

A client of redis-py spends more on each command than the server does. What runs for every batch
of entries packs and parses with hiredis itself; connecting, logging in and TLS stay redis-py's.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.exceptions import NoScriptError, ResponseError
from redis.retry import Retry

from common.settings import RedisSettings
from common.streams.scripts import Arg, Call, script_command, script_source

Command = Sequence[Arg]


class Wire:
    """Not for two threads at once. Connects when first used, and again after an error of `PASSING`."""

    def __init__(self, settings: RedisSettings, *, timeout_s: float = 10) -> None:
        pool = ConnectionPool.from_url(
            settings.url.get_secret_value(),
            socket_connect_timeout=timeout_s,
            socket_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._connection: Any = pool.make_connection()

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands, each of which is owed a `receive`."""
        packed = b"".join([pack_command(tuple(c)) for c in commands])  # type: ignore[arg-type]  # of any length
        self._connection.send_packed_command([packed], check_health=False)

    def receive(self, count: int) -> list[Any]:
        """The next replies, in order; an error of one command as its reply."""
        return [self._reply() for _ in range(count)]

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands. Raises the first error among the replies."""
        self.send(commands)
        return checked(self.receive(len(commands)))

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts. Raises the first error among the replies."""
        if not calls:
            return []
        self.send(map(script_command, calls))
        return checked(self.again(calls, self.receive(len(calls))))

    def again(self, calls: Sequence[Call], replies: Sequence[Any]) -> list[Any]:
        """Teach the server scripts that it did not know, and repeat only the calls that it refused."""
        settled = list(replies)
        refused = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if refused:
            for name in {calls[i][0] for i in refused}:
                self.ask([("SCRIPT", "LOAD", script_source(name))])
            self.send([script_command(calls[i]) for i in refused])
            for i, reply in zip(refused, self.receive(len(refused)), strict=True):
                settled[i] = reply
        return settled

    def close(self) -> None:
        """Hang up."""
        self._connection.disconnect()

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error


def checked(replies: list[Any]) -> list[Any]:
    """The same replies. Raises the first error among them."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
