"""A replica takes over that lacks the last writes: owners notice, and replay what it has.

Deterministic: the replica is cut off first, and only then is written what it will lack.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress

import pytest
from pydantic import SecretStr

from common.messages import SpeechChunk, unpack
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import connect
from common.streams.deployment import join_deployment
from common.streams.fenced import Delivery, FencedShards, Reached, ShardCommit, Verdict
from common.streams.leases import LeaseTable
from common.streams.wire import Wire
from tests.cluster.servers import Server, follow, servers
from tests.kit import MEETING, SHARDS, PairingStage, chunk, eventually, working
from tests.users import admit

pytestmark = [pytest.mark.integration, pytest.mark.cluster]
SHARD = MEETING.shard(SHARDS)
AUDIO = keys.stream(SHARD, Stream.AUDIO)
SPEECH = keys.stream(SHARD, Stream.SPEECH)
PLACE = (SHARD, Stream.AUDIO)


class Endpoint:
    """An address that leads to one server, later to another, as managed services have it."""

    def __init__(self, server: Server) -> None:
        self._target = server
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[RedisSettings]:
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield RedisSettings(url=SecretStr(f"redis://127.0.0.1:{self.port}/0"))
        finally:
            listener.close()
            self._cut()

    def lead_to(self, server: Server) -> None:
        self._target = server
        self._cut()

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target.port)
        self._open |= {writer, back}
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        self._open -= {writer, back}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    with servers(2) as (primary, replica):
        follow(replica, primary.port)
        admit(*(f"redis://127.0.0.1:{server.port}" for server in (primary, replica)))
        yield primary, replica


def cut_off(primary: Server, replica: Server) -> None:
    """The replica has all there is, and nothing from now on."""
    assert primary.client.execute_command("WAIT", 1, 10_000) == 1
    replica.client.execute_command("REPLICAOF", "NO", "ONE")


def commit(lease: object, sequence: int, *, reached: Reached | None = None) -> ShardCommit:
    deliveries = [Delivery(Stream.AUDIO, reached, [])] if reached else []
    return ShardCommit(
        lease,  # type: ignore[arg-type]  # a Lease
        sequence,
        appends=[(SPEECH, ["m", str(sequence)])],
        deliveries=deliveries,
        acknowledged={},
        watermarks={"track": sequence},
        tallies={},
    )


async def test_an_owner_learns_that_another_server_took_over_before_it_commits_anything(
    pair: tuple[Server, Server],
) -> None:
    """Though the number of its commit fits: what it read may not be there."""
    primary, replica = pair
    urls = [primary.url]
    settings = RedisSettings(url=SecretStr(primary.url))
    client = connect(settings)
    await join_deployment(client, SHARDS)
    (lease,) = await LeaseTable(client, "vad", "first", 60_000).acquire([SHARD])
    with closing(Wire(settings, dial=lambda: urls[0])) as wire:
        shards = FencedShards(wire, "vad", [Stream.AUDIO], read_count=10)
        beginning = shards.begin({lease: 0})[lease]
        assert beginning is not None
        assert shards.exchange([commit(lease, 1)], {}, None).verdicts == {SHARD: Verdict.OK}
        cut_off(primary, replica)
        lost = (await client.xadd(AUDIO, {"m": b"lost"})).decode()
        after = {PLACE: beginning.reached[Stream.AUDIO].last}
        assert len(shards.exchange([], after, None).news[PLACE]) == 1
        urls[0] = replica.url
        wire.close()
        resting_on_it = commit(lease, 2, reached=Reached(lost, 1))
        exchange = shards.exchange([resting_on_it], {PLACE: lost}, None)
        assert (exchange.verdicts, exchange.news) == ({SHARD: Verdict.FORGOTTEN}, {})
        assert replica.client.xlen(SPEECH) == 1
        again = shards.begin({lease: 3})[lease]
        assert again is not None
        assert (again.watermarks, again.reached[Stream.AUDIO].count) == ({"track": 1}, 0)
        assert shards.exchange([commit(lease, 4)], {}, None).verdicts == {SHARD: Verdict.OK}
    await client.aclose()


async def test_a_server_that_comes_back_without_its_last_second_is_another_one(
    pair: tuple[Server, Server],
) -> None:
    primary, _ = pair
    settings = RedisSettings(url=SecretStr(primary.url))
    client = connect(settings)
    await join_deployment(client, SHARDS)
    (lease,) = await LeaseTable(client, "vad", "first", 60_000).acquire([SHARD])
    stored = await client.dump(keys.lease(SHARD, "vad"))
    await client.aclose()
    with closing(Wire(settings)) as wire:
        shards = FencedShards(wire, "vad", [Stream.AUDIO], read_count=10)
        assert shards.begin({lease: 0})[lease] is not None
        shards.exchange([commit(lease, 1)], {}, None)
        primary.kill()
        primary.start()
        primary.client.restore(keys.lease(SHARD, "vad"), 0, stored)
        wire.close()
        assert shards.exchange([commit(lease, 2)], {}, None).verdicts == {SHARD: Verdict.FORGOTTEN}


async def test_a_member_that_owned_a_shard_under_a_lost_lease_commits_nothing_any_more(
    pair: tuple[Server, Server],
) -> None:
    primary, replica = pair
    before, after = (connect(RedisSettings(url=SecretStr(server.url))) for server in pair)
    await join_deployment(before, SHARDS)
    assert primary.client.execute_command("WAIT", 1, 10_000) == 1
    cut_off(primary, replica)
    (lost,) = await LeaseTable(before, "vad", "first", 60_000).acquire([SHARD])
    (lease,) = await LeaseTable(after, "vad", "second", 60_000).acquire([SHARD])
    assert lost.token != lease.token
    with closing(Wire(RedisSettings(url=SecretStr(replica.url)))) as wire:
        shards = FencedShards(wire, "vad", [Stream.AUDIO], read_count=10)
        assert shards.begin({lost: 1})[lost] is None
        assert shards.exchange([commit(lost, 1)], {}, None).verdicts == {SHARD: Verdict.FENCED}
    await before.aclose()
    await after.aclose()


async def test_the_stage_loop_puts_out_again_what_the_new_server_lacks_and_nothing_else(
    pair: tuple[Server, Server],
) -> None:
    primary, replica = pair
    endpoint = Endpoint(primary)
    async with endpoint.serving() as settings:
        client = connect(settings)
        await join_deployment(client, SHARDS)
        log = AudioLog(client, SHARDS, backlog_limit=10_000)
        await log.start_meeting(MEETING, 1_000)
        async with working(client, PairingStage(), "first", lease_ms=60_000):
            await log.append([chunk(i) for i in range(21)])
            await eventually("ten pairs", lambda: _paired(primary, 20))
            cut_off(primary, replica)
            await log.append([chunk(i) for i in range(21, 30)])
            await eventually("fifteen pairs", lambda: _paired(primary, 30))
            endpoint.lead_to(replica)
            for i in range(21, 41):
                await _append(log, i)
            await eventually("twenty pairs, once each", lambda: _paired(replica, 40))
        await client.aclose()


async def _append(log: AudioLog, number: int) -> None:
    """As the writer of ingest does: again, until it is taken."""

    async def taken() -> object:
        try:
            await log.append([chunk(number)])
        except (OSError, Exception) as error:  # noqa: BLE001  # whatever the cut connection raises
            return repr(error)
        return True

    await eventually("audio taken", taken)


async def _paired(server: Server, count: int) -> object:
    found = []
    for _, fields in await asyncio.to_thread(server.client.xrange, SPEECH):
        speech = unpack(fields[b"m"])
        assert isinstance(speech, SpeechChunk)
        found.append((speech.offset // 1600, speech.end // 1600))
    return found == [(i, i + 2) for i in range(0, count, 2)] or found
