"""A process of a stage pool: models loaded, shards shared, the loop running."""

import asyncio
from collections.abc import Callable
from contextlib import closing

from common.loop import StageLoop
from common.membership import Membership
from common.service import Main, Service
from common.settings import Settings
from common.shelves import ShelfBounds
from common.stage import Stage, Stream
from common.streams.deployment import join_deployment
from common.streams.fenced import FencedShards
from common.streams.leases import LeaseTable
from common.streams.wire import Wire
from common.topology import WRITES


def stage_main(pool: str, build: Callable[[Settings], Stage]) -> Main:
    """The main of a pool whose stage `build` makes."""

    async def main(settings: Settings, service: Service) -> None:
        await join_deployment(service.redis, settings.shards)
        stage = await asyncio.to_thread(build, settings)
        wire = Wire(settings.redis)
        shards = FencedShards(wire, pool, stage.inputs, settings.redis.read_count)
        loop = StageLoop(
            stage,
            shards,
            outputs=[stream for stream in WRITES[pool] if stream is not Stream.RESULTS],
            backlog_limit=settings.redis.backlog_limit,
            shelf_bounds=ShelfBounds(
                settings.redis.deferred_max_bytes, settings.redis.deferred_max_age_s * 1000
            ),
        )
        table = LeaseTable(service.redis, pool, service.member, settings.redis.lease_ms)
        membership = Membership(
            table, shards=settings.shards, take=loop.ownership.take, lose=loop.ownership.lose
        )
        with closing(wire):
            async with asyncio.TaskGroup() as group:
                beat = group.create_task(membership.run(), name="membership")
                service.ready()
                await loop.run(membership, service.stopping)
                beat.cancel()
        await membership.leave()

    return main
