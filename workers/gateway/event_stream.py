"""Results as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from common.streams.result_log import StoredResult
from workers.gateway import metrics
from workers.gateway.endings import EXPLANATIONS
from workers.gateway.fanout import Ending, Fanout
from workers.gateway.feed import Batch, Steps

RECONNECT = b"retry: 1000\n\n"
_DELIVERED = metrics.DELIVERED.labels("sse")
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """One reader's connection; counted as a reader for as long as it lasts."""

    media_type = "text/event-stream"

    def __init__(self, fanout: Fanout, steps: Steps, types: frozenset[str]) -> None:
        super().__init__(_encoded(steps, types), headers=HEADERS)
        self._fanout = fanout
        self._steps = steps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or is sent away. Raises TooManyReaders."""
        async with aclosing(self._steps):
            with self._fanout.admit():
                await super().__call__(scope, receive, send)


async def _encoded(steps: Steps, types: frozenset[str]) -> AsyncIterator[bytes]:
    yield RECONNECT
    async for step in steps:
        if isinstance(step, Ending):
            yield _ending(step)
            return
        yield _batch(step, types)


def _batch(batch: Batch, types: frozenset[str]) -> bytes:
    """The results as events, then an id alone: it moves the reader's place past what was left out."""
    chosen = [result for result in batch.results if result.type in types]
    _DELIVERED.inc(len(chosen))
    return b"".join(map(_event, chosen)) + f"id: {batch.position}\n\n".encode()


def _event(result: StoredResult) -> bytes:
    return f"id: {result.id}\nevent: {result.type}\ndata: ".encode() + result.data + b"\n\n"


def _ending(ending: Ending) -> bytes:
    data = orjson.dumps({"reason": EXPLANATIONS[ending]})
    return f"event: {ending}\ndata: ".encode() + data + b"\n\n"
