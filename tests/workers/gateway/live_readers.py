"""Readers of live results, as services write them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import orjson
import websockets


@dataclass(frozen=True)
class Event:
    """What came over an event stream or a socket."""

    id: str
    type: str
    data: dict


def parse_event(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
    return Event(fields.get("id", ""), fields.get("event", ""), orjson.loads(fields.get("data", "{}")))


async def read_events(client: httpx.AsyncClient, path: str, after: str = "") -> AsyncIterator[Event]:
    """All events of a stream, those without data included."""
    headers = {"Last-Event-ID": after} if after else {}
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        unread = ""
        async for text in response.aiter_text():
            *blocks, unread = (unread + text).split("\n\n")
            for block in blocks:
                yield parse_event(block)


async def read_socket(
    client: httpx.AsyncClient, path: str, after: str = "", *, token: str = ""
) -> AsyncIterator[Event]:
    """All messages of a socket."""
    url = client.base_url.copy_with(scheme="ws").join(path)
    url = url.copy_merge_params({"after": after, "access_token": token})
    # Without a bound on its queue, since a full one keeps this client from seeing the closing handshake.
    async with websockets.connect(str(url), max_queue=None) as socket:
        async for message in socket:
            body = orjson.loads(message)
            yield Event(body.get("id", ""), body["type"], body.get("result", body))


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next so many results; whatever else comes in between is left out."""
    taken: list[Event] = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            event = await anext(events)
            if event.type not in {"", "heartbeat"}:
                taken.append(event)
    return taken
