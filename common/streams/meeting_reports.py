"""Reports of meetings: what is ordered, and what was built.

An order stays until its report is stored. Whoever takes it has it for a while only, so what a
killed process leaves behind is taken by the next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.identity import Meeting
from common.streams import keys
from common.streams.client import Client
from common.streams.fenced import split_id
from common.streams.scripts import Arg, Call, run_script, run_scripts

TAKEN_MS = 90_000
"""So long an order is in the hands of who took it."""
MOST_TRIES = 3

_FILE = "file:"
_TRIES_KEPT_S = 3600


@dataclass(frozen=True, slots=True)
class Order:
    """A report to build; taken until `until_ms`, which names the taking."""

    meeting: Meeting
    until_ms: int


@dataclass(frozen=True, slots=True)
class BuiltReport:
    """A report with its files by extension. It saw the results up to `as_of`."""

    as_of: str
    built_at_ms: int
    ended: bool
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ReportState:
    """Whether a report is there, and whether another was ordered. `built_at_ms` is 0 before the first."""

    built_at_ms: int
    ended: bool
    ordered: bool


class ReportShelf:
    """Orders and reports of all shards."""

    def __init__(self, redis: Client, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def order(self, meeting: Meeting, now_ms: int) -> None:
        """Have a report built as of now, soon; one under way is built again."""
        await self._redis.zadd(keys.report_orders(self._shard(meeting)), {_name(meeting): now_ms})
        await self._redis.delete(keys.report_tries(self._shard(meeting), meeting))

    async def take(self, now_ms: int, *, limit: int) -> list[Order]:
        """Orders that are due, at most so many of a shard."""
        until_ms = now_ms + TAKEN_MS
        calls: list[Call] = [
            ("take_orders", [keys.report_orders(shard)], [now_ms, until_ms, limit])
            for shard in range(self._shards)
        ]
        names = [name.decode() for found in _checked(await run_scripts(self._redis, calls)) for name in found]
        return [Order(Meeting(*name.split("/", 1)), until_ms) for name in names]

    async def begin(self, order: Order) -> bool:
        """Whether to build it: nobody else took or finished it, and it has not failed too often.

        One that failed too often is given up until it is ordered again.
        """
        shard, name = self._shard(order.meeting), _name(order.meeting)
        taken = await self._redis.zscore(keys.report_orders(shard), name)
        if taken is None or int(taken) != order.until_ms:
            return False
        tries = await self._redis.incr(keys.report_tries(shard, order.meeting))
        await self._redis.expire(keys.report_tries(shard, order.meeting), _TRIES_KEPT_S)
        if tries > MOST_TRIES:
            await self._redis.zrem(keys.report_orders(shard), name)
        return bool(tries <= MOST_TRIES)

    async def drop(self, order: Order) -> None:
        """Build nothing: there is no such meeting (any more)."""
        await self._redis.zrem(keys.report_orders(self._shard(order.meeting)), _name(order.meeting))

    async def store(self, order: Order, report: BuiltReport, *, keep_s: int) -> None:
        """Keep it, unless one that saw more is there already."""
        shard = self._shard(order.meeting)
        args: list[Arg] = [_name(order.meeting), order.until_ms, keep_s, *split_id(report.as_of)]
        args += ["built_at_ms", report.built_at_ms, "ended", int(report.ended)]
        for extension, content in report.files.items():
            args += [_FILE + extension, content]
        where = [keys.report(shard, order.meeting), keys.report_orders(shard)]
        await run_script(self._redis, "store_report", where, args)
        await self._redis.delete(keys.report_tries(shard, order.meeting))

    async def state(self, meeting: Meeting) -> ReportState:
        """How things stand."""
        shard = self._shard(meeting)
        built, ended = await self._redis.hmget(keys.report(shard, meeting), "built_at_ms", "ended")
        ordered = await self._redis.zscore(keys.report_orders(shard), _name(meeting))
        return ReportState(int(built or 0), ended == b"1", ordered is not None)

    async def has_failed(self, meeting: Meeting) -> bool:
        """Whether it was given up lately."""
        tries = await self._redis.get(keys.report_tries(self._shard(meeting), meeting))
        return int(tries or 0) > MOST_TRIES

    async def file(self, meeting: Meeting, extension: str) -> bytes | None:
        """The report as one kind of file."""
        found: bytes | None = await self._redis.hget(
            keys.report(self._shard(meeting), meeting), _FILE + extension
        )
        return found

    def _shard(self, meeting: Meeting) -> int:
        return meeting.shard(self._shards)


def _name(meeting: Meeting) -> str:
    return f"{meeting.tenant}/{meeting.id}"


def _checked(replies: Iterable[object]) -> list[list[bytes]]:
    found: list[list[bytes]] = []
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, list)
        found.append(reply)
    return found
