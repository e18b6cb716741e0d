"""Looks through a whole server for what should not be there any more."""

from collections.abc import AsyncIterator

from common.streams.client import Client

Value = bytes | str | int | float


async def keys_with(redis: Client, *texts: str) -> dict[str, list[str]]:
    """By text, every key in whose name or value it stands."""
    found: dict[str, list[str]] = {text: [] for text in texts}
    async for key, values in _everything(redis):
        for text in texts:
            if any(text.encode() in value for value in (key, *values)):
                found[text].append(key.decode())
    return {text: keys for text, keys in found.items() if keys}


async def _everything(redis: Client) -> AsyncIterator[tuple[bytes, list[bytes]]]:
    async for key in redis.scan_iter(count=1000):
        kind = (await redis.type(key)).decode()
        yield key, list(_flat(await _READERS[kind](redis, key)))


_READERS = {
    "string": lambda redis, key: redis.get(key),
    "hash": lambda redis, key: redis.hgetall(key),
    "set": lambda redis, key: redis.smembers(key),
    "zset": lambda redis, key: redis.zrange(key, 0, -1),
    "list": lambda redis, key: redis.lrange(key, 0, -1),
    "stream": lambda redis, key: redis.xrange(key),
}


def _flat(value: object):
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _flat([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _flat(part)
