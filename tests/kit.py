"""Small real pieces that many tests need."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from common.identity import Meeting, Speaker, Track
from common.loop import StageLoop
from common.membership import Membership
from common.messages import AudioChunk, SpeechChunk
from common.settings import RedisSettings
from common.shelves import ShelfBounds
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Position, Stage, Step, Stream
from common.streams.client import Client, connect
from common.streams.cluster_client import ClusterClient
from common.streams.fenced import FencedShards
from common.streams.leases import LeaseTable
from common.streams.link import Link
from common.streams.owner import link_to
from common.topology import WRITES
from tests.users import pool_of, settings_as

MEETING = Meeting("default", "weekly")
TRACK = Track(MEETING, "ann", Speaker("ann", "Ann"))
SHARDS = 4
READ_COUNT = 50
ROOMY = ShelfBounds(max_bytes=2**30, max_age_ms=3_600_000)


def chunk(number: int, *, track: Track = TRACK, samples: int = 1600) -> AudioChunk:
    """The chunk with this number of a track of equal chunks; its samples spell its number."""
    pcm = number.to_bytes(2, "little") * samples
    return AudioChunk(track, number * samples, 1_000 + 100 * (number + 1), pcm)


@dataclass
class PairingStage:
    """Puts out every two chunks of a track as one piece of speech, and needs the odd one to do so."""

    name: str = "vad"
    inputs: tuple[Stream, ...] = (Stream.AUDIO,)
    waiting: dict[str, tuple[EntryId, AudioChunk]] = field(default_factory=dict)
    released: list[int] = field(default_factory=list)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        effects: list[Effect] = []
        for entry in entries:
            assert isinstance(entry.message, AudioChunk)
            effects += self._pair(entry.id, entry.message)
        return Step(effects)

    def release(self, shard: int) -> None:
        self.released.append(shard)
        self.waiting = {key: value for key, value in self.waiting.items() if value[0].shard != shard}

    def _pair(self, entry: EntryId, chunk: AudioChunk) -> list[Effect]:
        key = chunk.track.key
        if key not in self.waiting:
            self.waiting[key] = (entry, chunk)
            return []
        first_entry, first = self.waiting.pop(key)
        speech = SpeechChunk(
            chunk.track, "u", 0, first.offset, chunk.end, chunk.captured_ms, first.pcm + chunk.pcm
        )
        at = Position(key, chunk.end)
        return [
            Append(entry.shard, Stream.SPEECH, speech, at),
            Acknowledge(first_entry),
            Acknowledge(entry),
        ]


@dataclass
class Worker:
    """A member of a pool at work in this process."""

    loop: StageLoop
    membership: Membership
    draining: asyncio.Event
    tasks: list[asyncio.Task[None]]

    async def drain(self) -> None:
        await self.membership.say_goodbye()
        self.draining.set()
        await self.tasks[0]
        self.tasks[1].cancel()
        await self.membership.leave()

    async def crash(self) -> None:
        """Gone at once: nothing committed, nothing released."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def settings_of(redis: Client) -> RedisSettings:
    """How to reach the same server, or cluster."""
    if isinstance(redis, ClusterClient):
        places = ",".join(redis.nodes_manager.startup_nodes)
        return RedisSettings(url=SecretStr(f"redis+cluster://{places}"))
    where = redis.connection_pool.connection_kwargs
    return RedisSettings(url=SecretStr(f"redis://{where['host']}:{where['port']}/0"))


def wire_to(redis: Client) -> Link:
    """A blocking connection to the same server, or cluster."""
    return link_to(settings_of(redis))


@asynccontextmanager
async def working(
    redis: Client,
    stage: Stage,
    member: str,
    *,
    lease_ms: int = 500,
    backlog_limit: int = 10_000,
    shelf_bounds: ShelfBounds = ROOMY,
) -> AsyncIterator[Worker]:
    """A member with the rights of its pool."""
    settings = settings_as(settings_of(redis), pool_of(stage.name))
    wire, own = link_to(settings), connect(settings)
    shards = FencedShards(wire, stage.name, stage.inputs, read_count=READ_COUNT)
    loop = StageLoop(
        stage,
        shards,
        outputs=[stream for stream in WRITES[stage.name] if stream is not Stream.RESULTS],
        backlog_limit=backlog_limit,
        shelf_bounds=shelf_bounds,
    )
    table = LeaseTable(own, stage.name, member, lease_ms)
    membership = Membership(table, shards=SHARDS, take=loop.ownership.take, lose=loop.ownership.lose)
    draining = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(membership, draining)), asyncio.create_task(membership.run())]
    worker = Worker(loop, membership, draining, tasks)
    try:
        yield worker
    finally:
        await worker.crash()
        wire.close()
        await own.aclose()


async def eventually(what: str, holds: Callable[[], Awaitable[object]], within_s: float = 10) -> None:
    """Wait until something holds; fail with what was seen last."""
    seen: object = None
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen = await holds()
                if seen is True:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {within_s} s; last seen {seen!r}") from None
