"""A stage in a process: models loaded, shards shared, the loop running."""

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress

from common.loop import StageLoop
from common.membership import Membership
from common.service import Main, Service
from common.settings import Settings
from common.shelves import ShelfBounds
from common.stage import Stage, Stream
from common.streams.client import PASSING
from common.streams.deployment import check_enabled, join_deployment
from common.streams.fenced import FencedShards
from common.streams.leases import LeaseTable
from common.streams.link import Link
from common.streams.owner import link_to
from common.topology import WRITES


def stage_main(pool: str, build: Callable[[Settings], Stage]) -> Main:
    """The main of a pool that is the stage `build` makes."""

    async def main(settings: Settings, service: Service) -> None:
        await service.insist(lambda: join_deployment(service.redis, settings.shards))
        await service.insist(lambda: check_enabled(service.redis, pool))
        stage = await asyncio.to_thread(build, settings)
        service.ready()
        await run_stage(stage, settings, service)

    return main


async def run_stage(stage: Stage, settings: Settings, service: Service) -> None:
    """Share the shards with other processes that run this stage, and drive it until the service stops.

    A process may run several. The deployment must have been joined.
    """
    with closing(link_to(settings.redis)) as link:
        loop = _loop(stage, link, settings)
        service.follow(lambda: loop.turned_at)
        table = LeaseTable(service.redis, stage.name, service.member, settings.redis.lease_ms)
        membership = Membership(
            table, shards=settings.shards, take=loop.ownership.take, lose=loop.ownership.lose
        )
        goodbye_said = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(membership.run(), name=f"membership of {stage.name}")
            group.create_task(_say_goodbye(membership, service.stopping, goodbye_said))
            await loop.run(membership, goodbye_said)
            beat.cancel()
    with suppress(*PASSING):  # the leases run out by themselves
        await membership.leave()


async def _say_goodbye(membership: Membership, stopping: asyncio.Event, said: asyncio.Event) -> None:
    await stopping.wait()
    await membership.say_goodbye()
    said.set()


def _loop(stage: Stage, link: Link, settings: Settings) -> StageLoop:
    return StageLoop(
        stage,
        FencedShards(link, stage.name, stage.inputs, settings.redis.read_count),
        outputs=[stream for stream in WRITES[stage.name] if stream is not Stream.RESULTS],
        backlog_limit=settings.redis.backlog_limit,
        shelf_bounds=ShelfBounds(settings.redis.deferred_max_bytes, settings.redis.deferred_max_age_s * 1000),
    )
