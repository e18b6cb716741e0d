"""Redis goes away while results are handed over: they wait, and none becomes a dead letter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from conftest import final
from pydantic import SecretStr

from common.identity import Meeting
from common.settings import RedisSettings, WebhookSettings
from common.stage import Entry, EntryId, Stream
from common.streams.client import Client, connect
from tests.kit import eventually
from tests.kit import working as at_work
from workers.jobs.webhooks.follower import Follower
from workers.jobs.webhooks.outbox import LedgerOutbox

pytestmark = pytest.mark.integration


@dataclass
class Cable:
    """A way to a server that can be cut and mended."""

    host: str
    port: int
    is_cut: bool = False
    refused: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self.refused += 1
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection(self.host, self.port)
        self.writers |= {writer, there_writer}
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self.writers:
            writer.close()

    def mend(self) -> None:
        self.is_cut = False


@asynccontextmanager
async def through_a_cable(url: str) -> AsyncIterator[tuple[Cable, Client]]:
    parts = urlsplit(url)
    cable = Cable(str(parts.hostname), int(parts.port or 0))
    server = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = connect(RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0")), timeout_s=2)
    try:
        yield cable, client
    finally:
        await client.aclose()
        cable.cut()
        server.close()


async def test_an_outage_while_handing_over_makes_nothing_a_dead_letter(
    redis, valkey_url, publish, subscribe, ledger
) -> None:
    subscription = await subscribe("https://example.org/")
    async with through_a_cable(valkey_url) as (cable, client):
        outbox = LedgerOutbox(client, WebhookSettings(), lambda: None)
        async with at_work(redis, Follower(outbox), "one", lease_ms=5000) as worker:
            await publish(final(1))
            await eventually("the first waits", lambda: _waiting(ledger, subscription.id, 1))
            cable.cut()
            await publish(final(2), final(3))
            await eventually("several tries failed", lambda: _refused(cable, 6), 60)
            cable.mend()
            await eventually("all wait", lambda: _waiting(ledger, subscription.id, 3), 60)
            outbox.close()
            await worker.drain()
    assert [await redis.xlen(f"hb:{{{shard}}}:dead") for shard in range(4)] == [0, 0, 0, 0]
    assert await _unacknowledged(redis) == 0


async def test_one_that_ends_during_an_outage_leaves_the_entries_to_its_successor(
    redis, valkey_url, publish, subscribe, ledger
) -> None:
    subscription = await subscribe("https://example.org/")
    async with through_a_cable(valkey_url) as (cable, client):
        cable.cut()
        outbox = LedgerOutbox(client, WebhookSettings(), lambda: None)
        async with at_work(redis, Follower(outbox), "one", lease_ms=1000) as worker:
            await publish(final(1))
            await eventually("it tries", lambda: _refused(cable, 2), 60)
            outbox.close()
            await worker.drain()
    assert (await ledger.standing(subscription.id)).waiting == 0
    outbox = LedgerOutbox(redis, WebhookSettings(), lambda: None)
    async with at_work(redis, Follower(outbox), "two", lease_ms=1000):
        await eventually("its successor has it", lambda: _waiting(ledger, subscription.id, 1), 60)


async def test_a_crash_between_recording_and_acknowledging_changes_nothing(
    redis, publish, subscribe, ledger, results
) -> None:
    """The successor is given the same entries; recording them again is seen to be a repetition."""
    subscription = await subscribe("https://example.org/")
    await publish(final(1), final(2))
    stored = await results.history(Meeting("default", "weekly"))
    entries = [Entry(EntryId(each.shard, Stream.RESULTS, each.id), each.decoded()) for each in stored]
    woken: list[None] = []
    for _ in range(3):
        follower = Follower(LedgerOutbox(redis, WebhookSettings(), lambda: woken.append(None)))
        step = await asyncio.to_thread(follower.process, entries, 1_000)
        assert len(step.effects) == len(entries)
    assert (await ledger.standing(subscription.id)).waiting == 2
    assert len(woken) == 1


async def _waiting(ledger, subscription: str, count: int) -> object:
    standing = await ledger.standing(subscription)
    return standing.waiting == count or standing


async def _refused(cable: Cable, count: int) -> object:
    return cable.refused >= count or cable.refused


async def _unacknowledged(redis: Client) -> int:
    pending = [await redis.xpending(f"hb:{{{shard}}}:results", "webhooks") for shard in range(4)]
    return sum(each["pending"] for each in pending)
