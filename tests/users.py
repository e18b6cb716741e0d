"""The users of `hubbub acl` on the servers of tests: what a pool does is tried with its own rights."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from redis import Redis

from common.settings import RedisSettings
from common.streams.client import Client, connect
from common.streams.cluster_client import ClusterClient
from common.streams.permissions import DUTIES, rule, user_of
from common.topology import LODGERS


def admit(*urls: str) -> None:
    """Make the users on servers that let us in as administrators."""
    for url in urls:
        with Redis.from_url(url) as server:
            for name in DUTIES:
                line = rule(name, sha256(_password(name).encode()).hexdigest())
                server.execute_command("ACL", "SETUSER", *line.split()[1:])


def url_as(url: str, name: str) -> str:
    """The address of the server with the login of one user."""
    parts = urlsplit(url)
    places = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user_of(name)}:{_password(name)}@{places}"))


def settings_as(settings: RedisSettings, name: str) -> RedisSettings:
    """The same server, reached as one user."""
    url = SecretStr(url_as(settings.url.get_secret_value(), name))
    return settings.model_copy(update={"url": url})


@asynccontextmanager
async def client_as(settings: RedisSettings, name: str) -> AsyncIterator[Client]:
    """A client with the rights of one user."""
    client = connect(settings_as(settings, name))
    try:
        yield client
    finally:
        await client.aclose()


def pool_of(stage: str) -> str:
    """The pool in whose processes a stage runs."""
    return next((pool for pool, stages in LODGERS.items() if stage in stages), stage)


async def take_refusals(redis: Client) -> list[str]:
    """What the server refused those it let in, since this was asked last: whom, and what."""
    nodes: dict[str, Any] = {}
    if isinstance(redis, ClusterClient):
        nodes = {"target_nodes": ClusterClient.ALL_NODES}
    found = await redis.execute_command("ACL LOG", **nodes)
    await redis.execute_command("ACL LOG", "RESET", **nodes)
    entries = [entry for part in found.values() for entry in part] if isinstance(found, dict) else found
    said = [{_text(name): _text(value) for name, value in _pairs(entry)} for entry in entries]
    return [f"{e['username']}: {e['object']}, {e['context']}" for e in said if e["reason"] != "auth"]


def _pairs(entry: Any) -> Iterable[tuple[Any, Any]]:
    return entry.items() if isinstance(entry, dict) else zip(entry[::2], entry[1::2], strict=True)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _password(name: str) -> str:
    return f"of-{name}"
