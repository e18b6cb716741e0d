"""Where turns are taken: on the event loop of the process, as many at once as it has room for.

RQ names a job's function in Redis and calls it in a worker's thread. The job of a turn only begins
it: requests are made on the event loop, where connections are kept and one that hangs costs a
socket. So no receiver keeps a thread from others, however long it takes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextvars import ContextVar

import structlog

from common.streams.client import PASSING

JOB_S = 60
"""How long a job may wait for room; its turn is assigned again meanwhile."""

TakeTurn = Callable[[str, int], Awaitable[None]]


class Desk:
    """Takes turns, given by subscription and number, at most `most` at once."""

    def __init__(self, take: TakeTurn, *, most: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._take = take
        self._room = asyncio.Semaphore(most)
        self._turns: set[asyncio.Task[None]] = set()

    async def begin(self, subscription: str, number: int) -> None:
        """Begin a turn as soon as there is room."""
        await self._room.acquire()
        turn = asyncio.create_task(self._finish(subscription, number))
        self._turns.add(turn)
        turn.add_done_callback(self._over)

    async def drain(self) -> None:
        """Wait for the turns under way."""
        if self._turns:
            await asyncio.wait(self._turns)

    async def _finish(self, subscription: str, number: int) -> None:
        """A turn that fails is assigned again after its lease, so the process can go on."""
        log = structlog.get_logger(subscription=subscription, turn=number)
        try:
            await self._take(subscription, number)
        except PASSING as error:
            log.warning("turn_lost", error=str(error))
        except Exception:  # it must not end the turns of others
            log.exception("turn_failed")

    def _over(self, turn: asyncio.Task[None]) -> None:
        self._turns.discard(turn)
        self._room.release()


DESK: ContextVar[Desk] = ContextVar("desk")
"""That of the process, for its worker threads."""


def run_turn(subscription: str, number: int) -> None:
    """The job: begin a turn. Raises TimeoutError where there is no room for long."""
    desk = DESK.get()
    begun = asyncio.run_coroutine_threadsafe(desk.begin(subscription, number), desk.loop)
    try:
        begun.result(JOB_S - 1)
    except CancelledError:
        return  # the process ends
    finally:
        begun.cancel()
