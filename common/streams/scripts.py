"""The Lua scripts of this package, one file an operation, called by digest."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import AskError, NoScriptError, RedisError, ResponseError, SlotNotCoveredError

from common.streams.client import Client, NotNow, refusal
from common.streams.replicas import WaitCommand, is_replicated

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


async def run_scripts(redis: Client, calls: Sequence[Call], *, wait: WaitCommand | None = None) -> list[Any]:
    """Run scripts in one round trip a server; replies in order, an error of one call as its reply.

    A server that does not know a script yet (restarted, promoted, new) is taught it, and only the
    calls that it refused are repeated. Where the replicas of `wait` are too few or too late, the
    replies are NotNow, though all was done. Raises an error of `PASSING` where no server answers.
    """
    if not calls:
        return []
    parts = await _by_server(redis, calls)
    if len(parts) == 1:
        return await _run(redis, calls, wait)
    found = await asyncio.gather(
        *(_run(redis, [calls[i] for i in part], wait) for part in parts), return_exceptions=True
    )
    replies: list[Any] = [None] * len(calls)
    for part, answers in zip(parts, found, strict=True):
        if isinstance(answers, BaseException) and not isinstance(answers, RedisError):
            raise answers
        for place, i in enumerate(part):
            replies[i] = answers if isinstance(answers, BaseException) else answers[place]
    return replies


async def run_script(redis: Client, name: str, keys: Sequence[str], args: Sequence[Arg]) -> Any:
    """Run one script. Raises the error it ended with."""
    (reply,) = await run_scripts(redis, [(name, keys, args)])
    if isinstance(reply, Exception):
        raise reply
    return reply


async def _by_server(redis: Client, calls: Sequence[Call]) -> list[list[int]]:
    """The calls' places, by the server that has their keys."""
    if not isinstance(redis, RedisCluster):
        return [list(range(len(calls)))]
    await redis.initialize()
    parts: dict[str, list[int]] = {}
    for i, (_, keys, _) in enumerate(calls):
        parts.setdefault(_node(redis, keys[0]).name, []).append(i)
    return list(parts.values())


def _node(redis: Client, key: str) -> Any:
    node = redis.get_node_from_key(key)
    if node is None:
        raise SlotNotCoveredError(f"no node of the cluster has the slot of {key}")
    return node


async def _run(redis: Client, calls: Sequence[Call], wait: WaitCommand | None) -> list[Any]:
    """All at one server, or where it sends them."""
    replies = await _pipelined(redis, calls, script_command, wait)
    refused = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if refused:
        again = await _pipelined(redis, [calls[i] for i in refused], _teaching_command, wait)
        for i, reply in zip(refused, again, strict=True):
            replies[i] = reply
    return replies


async def _followed(redis: Client, command: tuple[Arg, ...]) -> Any:
    """What the server says to which the slot has moved, or is on its way."""
    try:
        return await redis.execute_command(*command)
    except RedisError as error:
        return error


def _teaching_command(call: Call) -> tuple[Arg, ...]:
    """With the text of the script, which whoever gets to run it knows from then on."""
    name, keys, args = call
    return ("EVAL", script_source(name), len(keys), *keys, *args)


async def _pipelined(
    redis: Client,
    calls: Sequence[Call],
    command: Callable[[Call], tuple[Arg, ...]],
    wait: WaitCommand | None,
) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command(*command(call))
    at = {"target_nodes": _node(redis, calls[0][1][0])} if isinstance(redis, RedisCluster) else {}
    if wait:
        pipeline.execute_command(*wait, **at)
    # redis-py would try one that has to wait again and again, and the others would wait with it.
    once = {"allow_redirections": False} if isinstance(redis, RedisCluster) else {}
    replies: list[Any] = await pipeline.execute(raise_on_error=False, **once)
    for i, reply in enumerate(replies):
        # With `wait` it stays an error: the replicas that were waited for are those of another server.
        if isinstance(reply, AskError) and not wait:
            replies[i] = await _followed(redis, command(calls[i]))
    settled = [
        refusal(reply) if isinstance(reply, ResponseError) else reply for reply in replies[: len(calls)]
    ]
    if not wait or is_replicated(wait, replies[-1]):
        return settled
    late = NotNow(f"fewer than {wait[1]} replicas had it within {wait[2]} ms")
    return [reply if isinstance(reply, Exception) else late for reply in settled]
