"""The job that builds the report of a meeting, and the loop that hands out what is ordered."""

import asyncio
from collections.abc import Iterable
from hashlib import blake2s

import orjson
import structlog
from rq import Queue

from common.clock import unix_ms
from common.errors import InvalidMessage
from common.identity import Meeting
from common.settings import Settings, load_settings
from common.streams.audio_log import MeetingRecord
from common.streams.client import PASSING, Client, check_cancelled, connect
from common.streams.deployment import shard_count
from common.streams.meeting_reports import TAKEN_MS, BuiltReport, Order, ReportShelf
from common.streams.result_log import START, ResultLog, StoredResult
from workers.jobs.report import metrics
from workers.jobs.report.gathering import Gathering
from workers.jobs.report.markdown import to_markdown
from workers.jobs.report.pdf import to_pdf
from workers.jobs.report.picture import svg
from workers.jobs.report.web import to_html

EVERY_S = 1.0
MOST_A_SHARD = 4
TIMEOUT_S = TAKEN_MS // 1000 - 10
_BEFORE_START_MS = 60_000
_TYPES = ("transcript", "sentiment", "highlight")


async def hand_out_orders(shelf: ReportShelf, queue: Queue) -> None:
    """Make a job of every order until cancelled. One whose job was lost with its process comes again."""
    while True:
        check_cancelled()
        try:
            for order in await shelf.take(unix_ms(), limit=MOST_A_SHARD):
                await asyncio.to_thread(_enqueue, queue, order)
        except PASSING as error:
            structlog.get_logger().warning("redis_lost", error=str(error))
        await asyncio.sleep(EVERY_S)


def build_report(tenant: str, meeting_id: str, until_ms: int) -> bool:
    """The job: whether it built one. Safe to run twice, or at the same time as another."""
    return asyncio.run(_build(Order(Meeting(tenant, meeting_id), until_ms), load_settings()))


def _enqueue(queue: Queue, order: Order) -> None:
    name = f"{order.meeting.tenant}/{order.meeting.id}"
    job_id = f"report-{blake2s(name.encode(), digest_size=12).hexdigest()}"
    args = (order.meeting.tenant, order.meeting.id, order.until_ms)
    queue.enqueue(
        build_report, args=args, job_id=job_id, job_timeout=TIMEOUT_S, result_ttl=0, failure_ttl=3600
    )


async def _build(order: Order, settings: Settings) -> bool:
    redis = connect(settings.redis)
    try:
        return await _build_with(redis, order, settings)
    finally:
        await redis.aclose()


async def _build_with(redis: Client, order: Order, settings: Settings) -> bool:
    shards = await shard_count(redis)
    shelf, results = ReportShelf(redis, shards), ResultLog(redis, shards)
    if not await shelf.begin(order):
        return False
    record = await results.meeting(order.meeting)
    if record is None:
        await shelf.drop(order)
        return False
    with metrics.SECONDS.time(), metrics.FAILED.count_exceptions():
        report = await built(results, record)
        await shelf.store(order, report, keep_s=settings.redis.results_retention_s)
    metrics.BUILT.inc()
    return True


async def built(results: ResultLog, record: MeetingRecord) -> BuiltReport:
    """The report of what is stored of a meeting now."""
    gathering, as_of = Gathering(), _beginning(record)
    shard = record.meeting.shard(results.shards)
    while page := await results.range(shard, after=as_of):
        as_of = page[-1].id
        _gather(gathering, [stored for stored in page if stored.meeting == record.meeting])
    report = gathering.report(record, as_of=as_of)
    files = {
        "json": orjson.dumps(report),
        "html": to_html(report).encode(),
        "md": to_markdown(report).encode(),
        "svg": svg(report.heatmap).encode(),
        "pdf": to_pdf(report),
    }
    return BuiltReport(as_of, unix_ms(), record.ended, files)


def _gather(gathering: Gathering, page: Iterable[StoredResult]) -> None:
    """What is unreadable is left out, and said."""
    for stored in page:
        if stored.type in _TYPES:
            try:
                gathering.add(stored.decoded())
            except InvalidMessage as error:
                structlog.get_logger().warning("unreadable_result", entry=stored.id, error=str(error))


def _beginning(record: MeetingRecord) -> str:
    """A position before the first result of the meeting, by clocks that may differ."""
    ms = record.started_at_ms - _BEFORE_START_MS
    return f"{ms}-0" if ms > 0 else START
