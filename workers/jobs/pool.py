"""What a jobs process runs: stages that follow the results, RQ workers in threads, and webhooks out."""

import asyncio
import logging

from rq import Queue
from rq.serializers import JSONSerializer

from common.pool import run_stage
from common.service import Service
from common.settings import Settings
from common.stage import Stage
from common.streams.deployment import join_deployment
from workers.jobs.connection import connect_queues
from workers.jobs.highlights.stage import HighlightStage
from workers.jobs.retention import enqueue_regularly
from workers.jobs.webhooks.service import run_webhooks
from workers.jobs.worker import ThreadWorker, run_in_threads


async def serve(settings: Settings, service: Service) -> None:
    """Run jobs and stages until the service stops; the job at hand is finished first."""
    await join_deployment(service.redis, settings.shards)
    logging.getLogger("rq.worker").setLevel(logging.WARNING)  # five lines a job, and not ours
    with connect_queues(settings) as connection:
        queues = [
            Queue(name, connection=connection, serializer=JSONSerializer) for name in settings.jobs.queues
        ]
        worker = ThreadWorker(queues, name=service.member, connection=connection, serializer=JSONSerializer)
        async with asyncio.TaskGroup() as group:
            retention = group.create_task(enqueue_regularly(queues[0]))
            for stage in build_stages(settings):
                group.create_task(run_stage(stage, settings, service), name=stage.name)
            group.create_task(run_webhooks(settings, service, connection), name="webhooks")
            service.ready()
            await run_in_threads([worker], service.stopping)
            retention.cancel()


def build_stages(settings: Settings) -> list[Stage]:
    """The stages that live here; `common.topology` names them among the lodgers of this pool."""
    return [HighlightStage(settings.highlights)]
