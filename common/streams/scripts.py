"""The Lua scripts of this package, one file an operation, called by digest."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from common.streams.client import Client

Arg = str | bytes | int
Call = tuple[str, Sequence[str], Sequence[Arg]]


@cache
def script_source(name: str) -> str:
    """The text of a script."""
    return files("common.streams").joinpath("lua", f"{name}.lua").read_text()


@cache
def _digest(name: str) -> str:
    return sha1(script_source(name).encode(), usedforsecurity=False).hexdigest()


def script_command(call: Call) -> tuple[Arg, ...]:
    """The call as a command of Redis."""
    name, keys, args = call
    return ("EVALSHA", _digest(name), len(keys), *keys, *args)


async def run_scripts(redis: Client, calls: Sequence[Call]) -> list[Any]:
    """Run scripts in one round trip; replies in order, an error of one call as its reply.

    A server that does not know a script yet (restarted, promoted) is taught it, and only the
    calls that it refused are repeated.
    """
    replies = await _pipelined(redis, calls)
    refused = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if refused:
        for name in {calls[i][0] for i in refused}:
            await redis.script_load(script_source(name))
        again = await _pipelined(redis, [calls[i] for i in refused])
        for i, reply in zip(refused, again, strict=True):
            replies[i] = reply
    return replies


async def run_script(redis: Client, name: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
    """Run one script. Raises the error it ended with."""
    (reply,) = await run_scripts(redis, [(name, keys, args)])
    if isinstance(reply, Exception):
        raise reply
    return reply


async def _pipelined(redis: Client, calls: Sequence[Call]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command(*script_command(call))
    replies: list[Any] = await pipeline.execute(raise_on_error=False)
    return replies
