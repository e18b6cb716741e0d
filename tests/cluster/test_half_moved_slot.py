"""A slot that is half here and half there, on its way to a primary that is new to the cluster.

Scripts that need keys of both halves have to wait (TRYAGAIN), commands for a key that has moved are sent
on (ASK), and the newcomer knows none of our scripts.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from common.errors import Backlogged
from common.identity import Meeting, Track
from common.messages import SpeechChunk, unpack
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import PASSING, Client, connect
from common.streams.deployment import join_deployment
from common.streams.leases import LeaseTable
from common.streams.replicas import wait_command
from common.streams.scripts import script_source
from tests.cluster.migration import Migration, replicate
from tests.cluster.servers import Cluster, cluster
from tests.kit import MEETING, SHARDS, TRACK, PairingStage, chunk, eventually, working
from tests.users import admit

pytestmark = [pytest.mark.integration, pytest.mark.cluster]
SHARD = MEETING.shard(SHARDS)
AUDIO = keys.stream(SHARD, Stream.AUDIO)
SPEECH = keys.stream(SHARD, Stream.SPEECH)
ELSEWHERE = next(
    meeting for n in range(99) if (meeting := Meeting("default", f"other-{n}")).shard(SHARDS) != SHARD
)


@pytest.fixture
def nodes() -> Iterator[Cluster]:
    with cluster(spares=1) as found:
        admit(*(f"redis://127.0.0.1:{node.port}" for node in found.nodes))
        yield found


@pytest_asyncio.fixture
async def redis(nodes: Cluster) -> AsyncIterator[Client]:
    client = connect(RedisSettings(url=SecretStr(nodes.url)))
    await join_deployment(client, SHARDS)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def log(redis: Client) -> AudioLog:
    log = AudioLog(redis, SHARDS, backlog_limit=10_000)
    for meeting in (MEETING, ELSEWHERE):
        await log.start_meeting(meeting, 1_000)
    return log


async def test_audio_has_to_wait_for_the_other_half_and_that_of_other_shards_has_not(
    nodes: Cluster, log: AudioLog
) -> None:
    await log.append([chunk(0)])
    migration = Migration(nodes, AUDIO, nodes.spares[0])
    migration.begin()
    migration.move(AUDIO)
    with pytest.raises(PASSING):
        await log.append([chunk(1)])
    await log.append([chunk(0, track=Track(ELSEWHERE, "bob", TRACK.speaker))])
    migration.finish()
    await _append(log, 1)
    assert migration.target.client.xlen(AUDIO) == 2


async def test_a_lease_is_renewed_where_it_has_moved(nodes: Cluster, redis: Client) -> None:
    table = LeaseTable(redis, "vad", "first", 60_000)
    (lease,) = await table.acquire([SHARD])
    migration = Migration(nodes, AUDIO, nodes.spares[0])
    migration.begin()
    migration.move(keys.lease(SHARD, "vad"))
    assert await table.renew([lease]) == []
    assert await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD]) == []
    migration.finish()
    assert await table.renew([lease]) == []


async def test_audio_counts_as_taken_only_where_replicas_of_its_new_primary_have_it() -> None:
    """Those of the old one, which were waited for so far, have nothing to do with it any more."""
    with cluster(replicas=1, spares=1) as nodes:
        settings = RedisSettings(url=SecretStr(nodes.url), wait_replicas=1, wait_ms=200)
        client = connect(settings)
        await join_deployment(client, SHARDS)
        log = AudioLog(client, SHARDS, backlog_limit=10_000, wait=wait_command(settings))
        await log.start_meeting(MEETING, 1_000)
        await log.append([chunk(0)])
        nodes.spares[0].client.script_load(script_source("append"))
        migration = Migration(nodes, AUDIO, nodes.spares[0])
        migration.begin()
        migration.finish()
        for _ in range(3):
            with pytest.raises((*PASSING, Backlogged)):
                await log.append([chunk(1)])
        replicate(nodes.nodes[3], nodes.spares[0])
        await _append(log, 1)
        await client.aclose()


async def test_the_stage_loop_goes_on_where_the_slot_has_moved_with_nothing_lost_or_doubled(
    nodes: Cluster, redis: Client, log: AudioLog
) -> None:
    async with working(redis, PairingStage(), "first", lease_ms=60_000):
        await log.append([chunk(i) for i in range(11)])
        await eventually("five pairs", lambda: _paired(redis, 10))
        migration = Migration(nodes, AUDIO, nodes.spares[0])
        migration.begin()
        appending = asyncio.create_task(_append_all(log, range(11, 41)))
        for key in migration.left():
            await asyncio.to_thread(migration.move, key)
        await asyncio.to_thread(migration.finish)
        await appending
        await eventually("twenty pairs, once each", lambda: _paired(redis, 40), within_s=30)


async def _append_all(log: AudioLog, numbers: range) -> None:
    for number in numbers:
        await _append(log, number)


async def _append(log: AudioLog, number: int) -> None:
    """As the writer of ingest does: again, until it is taken."""

    async def taken() -> object:
        try:
            await log.append([chunk(number)])
        except (*PASSING, Backlogged) as error:
            return repr(error)
        return True

    await eventually("audio taken", taken, within_s=30)


async def _paired(redis: Client, count: int) -> object:
    found = []
    for _, fields in await redis.xrange(SPEECH):
        speech = unpack(fields[b"m"])
        assert isinstance(speech, SpeechChunk)
        found.append((speech.offset // 1600, speech.end // 1600))
    return found == [(i, i + 2) for i in range(0, count, 2)] or found
