"""What a live reader gets: the past of its meeting, then what is new, without a hole or a repeat."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile

from common.identity import Meeting
from common.streams.client import PASSING
from common.streams.result_log import ResultLog, StoredResult
from workers.gateway.fanout import Ending, Fanout
from workers.gateway.position import NOW, place


@dataclass(frozen=True, slots=True)
class Batch:
    """The next results, maybe none; a reader that got them may resume at `position`."""

    results: tuple[StoredResult, ...]
    position: str


Steps = AsyncGenerator[Batch | Ending]
"""Batches, then the ending. Close it, since a subscription may hang on it."""


async def past(results: ResultLog, meeting: Meeting, *, after: str) -> AsyncIterator[Batch]:
    """The stored results of a meeting after a position, a page of its shard at a time."""
    shard = meeting.shard(results.shards)
    while page := await results.range(shard, after=after):
        after = page[-1].id
        yield Batch(tuple(result for result in page if result.meeting == meeting), after)


class Feed:
    """Joins the stored and the live results of meetings."""

    def __init__(self, results: ResultLog, fanout: Fanout, *, heartbeat_s: float) -> None:
        self._results = results
        self._fanout = fanout
        self._heartbeat_s = heartbeat_s

    async def follow(self, meeting: Meeting, *, after: str) -> Steps:
        """Batches after a position, an empty one when nothing came for a while, at last an ending."""
        try:
            async with aclosing(self._joined(meeting, after=after)) as steps:
                async for step in steps:
                    yield step
        except PASSING:
            yield Ending.UNAVAILABLE

    async def _joined(self, meeting: Meeting, *, after: str) -> Steps:
        """The past, then a subscription, opened before the last read of the past.

        What is stored after that read is handed to the subscription; what is in both is known by
        its position. The long part of the past is read before, so as not to overflow meanwhile.
        """
        if after == NOW:
            after = self._reached(meeting)
        async for batch in past(self._results, meeting, after=after):
            after = batch.position
            yield batch
        with self._fanout.subscribe(meeting) as subscription:
            async for batch in past(self._results, meeting, after=after):
                after = batch.position
                yield batch
            while not isinstance(taken := await subscription.take(self._heartbeat_s), Ending):
                new = tuple(dropwhile(partial(_is_before, after), taken))
                after = max(after, taken[-1].id if taken else self._reached(meeting), key=place)
                yield Batch(new, after)
            yield taken

    def _reached(self, meeting: Meeting) -> str:
        return self._fanout.positions[meeting.shard(self._results.shards)]


def _is_before(after: str, result: StoredResult) -> bool:
    """Whether a reader that is at `after` has had this result."""
    return place(result.id) <= place(after)
