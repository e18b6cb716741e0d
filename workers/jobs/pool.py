"""What a jobs process runs: stages that follow the results, RQ workers in threads, and webhooks out."""

import asyncio
import logging

from rq import Queue
from rq.serializers import JSONSerializer

from common.pool import run_stage
from common.service import Service
from common.settings import Settings
from common.stage import Stage
from common.streams.deployment import disabled_pools, join_deployment
from common.streams.meeting_reports import ReportShelf
from common.streams.result_log import ResultLog
from workers.jobs.connection import connect_queues
from workers.jobs.highlights.stage import HighlightStage
from workers.jobs.report.desk import OrderDesk
from workers.jobs.report.job import hand_out_orders
from workers.jobs.report.stage import ReportStage
from workers.jobs.retention import enqueue_regularly
from workers.jobs.webhooks.service import run_webhooks
from workers.jobs.worker import ThreadWorker, run_in_threads


async def serve(settings: Settings, service: Service) -> None:
    """Run jobs and stages until the service stops; the job at hand is finished first."""
    await service.insist(lambda: join_deployment(service.redis, settings.shards))
    disabled = await service.insist(lambda: disabled_pools(service.redis))
    logging.getLogger("rq.worker").setLevel(logging.WARNING)  # five lines a job, and not ours
    shelf, results = ReportShelf(service.redis, settings.shards), ResultLog(service.redis, settings.shards)
    with connect_queues(settings) as connection:
        queues = [
            Queue(name, connection=connection, serializer=JSONSerializer) for name in settings.jobs.queues
        ]
        worker = ThreadWorker(queues, name=service.member, connection=connection, serializer=JSONSerializer)
        async with asyncio.TaskGroup() as group:
            retention = group.create_task(enqueue_regularly(queues[0]))
            handing_out = group.create_task(hand_out_orders(shelf, queues[0]))
            stages: list[Stage] = [
                HighlightStage(settings.highlights),
                ReportStage(OrderDesk(shelf, results)),
            ]
            if "coaching" not in disabled:
                stages.append(_coaching())
            for stage in stages:
                group.create_task(run_stage(stage, settings, service), name=stage.name)
            group.create_task(run_webhooks(settings, service, connection), name="webhooks")
            service.ready()
            await run_in_threads([worker], service.stopping)
            retention.cancel()
            handing_out.cancel()


def _coaching() -> Stage:
    """Where it is enabled; other processes of the pool need no engine."""
    from workers.engines.pronunciation import Aligner  # noqa: PLC0415
    from workers.jobs.coaching.stage import CoachingStage  # noqa: PLC0415

    return CoachingStage(Aligner())
