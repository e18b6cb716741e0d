"""Who may send audio here, how many at once, and for how long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import structlog
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from common.access import Access, Credentials, Forbidden, Unauthorized, credentials_of
from common.identity import Meeting
from common.settings import IngestSettings
from common.streams.client import PASSING, check_cancelled
from common.streams.live_meetings import LiveMeetings
from common.tokens import Grant, Scope
from ingest.refusals import Reason, Refused
from ingest.sockets import deny

_LOOK_S = 1.0
_BOT = Grant(tenant="", scopes=frozenset({Scope.INGEST}))
"""A bot that was sent from here: its handshake says of which tenant it is."""

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Visitor:
    """A connection that was let in. `evict` ends it; where there is none, `is_revoked` asks it to end."""

    grant: Grant
    credentials: Credentials
    evict: Callable[[Refused], Awaitable[None]] | None = None
    is_revoked: bool = False

    def check(self) -> None:
        """Raises Refused once the visitor's token is not good any more."""
        if self.is_revoked:
            raise _revoked()


Endpoint = Callable[[WebSocket, Visitor], Awaitable[None]]


class Door:
    """Lets connections in, and puts those out whose token is taken back."""

    def __init__(self, access: Access, live: LiveMeetings, settings: IngestSettings) -> None:
        self._access = access
        self._live = live
        self._settings = settings
        self._visitors: set[Visitor] = set()
        self._by_tenant: Counter[str] = Counter()
        self._heard: Counter[Meeting] = Counter()

    def guarding(self, wire: str, endpoint: Endpoint) -> Callable[[WebSocket], Awaitable[None]]:
        """The endpoint of a WebSocket route, for those who are let in; others are told before it opens."""

        async def answer(websocket: WebSocket) -> None:
            try:
                async with self.visited(websocket) as visitor:
                    await endpoint(websocket, visitor)
            except Refused as refused:
                await deny(websocket, refused, wire)

        return answer

    @asynccontextmanager
    async def visited(self, connection: HTTPConnection) -> AsyncIterator[Visitor]:
        """A connection, for as long as it lasts. Raises Refused."""
        path_token = connection.path_params.get("token", "")
        credentials = credentials_of(connection.headers, connection.query_params, path_token)
        visitor = Visitor(await self._admit(credentials, is_bot="." in path_token), credentials)
        with self._counted(visitor):
            yield visitor

    @asynccontextmanager
    async def hearing(self, meeting: Meeting, grant: Grant) -> AsyncIterator[None]:
        """Count a meeting as heard for as long as the context lasts. Raises Refused.

        While Redis is away none is turned away: a meeting that breaks off must come back.
        """
        most = grant.max_meetings or self._settings.tenant_meetings
        with suppress(*PASSING):
            if not await self._live.enter(meeting, most):
                raise Refused(Reason.TOO_MANY, f"{most} meetings at once are as many as may be")
        self._heard[meeting] += 1
        try:
            yield
        finally:
            self._heard[meeting] -= 1
            if not self._heard[meeting]:
                del self._heard[meeting]

    async def run(self) -> None:
        """Put out whose token is no longer good, and count the meetings that are heard, until cancelled."""
        while True:
            check_cancelled()
            with suppress(*PASSING):
                await self._live.stay(self._heard)
                await self._put_out()
            await asyncio.sleep(_LOOK_S)

    async def _admit(self, credentials: Credentials, *, is_bot: bool) -> Grant:
        if is_bot:
            return _BOT
        try:
            return await self._access.admit(credentials, Scope.INGEST)
        except Unauthorized as error:
            raise Refused(Reason.UNAUTHORIZED, str(error)) from error
        except Forbidden as error:
            raise Refused(Reason.FORBIDDEN, str(error)) from error
        except PASSING as error:
            raise Refused(Reason.UNAVAILABLE, "Redis does not answer: try again later") from error

    @contextmanager
    def _counted(self, visitor: Visitor) -> Iterator[None]:
        tenant = visitor.grant.tenant
        if len(self._visitors) >= self._settings.max_connections:
            raise Refused(Reason.TOO_MANY, "this process has as many connections as it may")
        if tenant and self._by_tenant[tenant] >= self._settings.tenant_connections:
            raise Refused(Reason.TOO_MANY, "this process has as many connections of the tenant as it may")
        self._visitors.add(visitor)
        self._by_tenant[tenant] += 1
        try:
            yield
        finally:
            self._visitors.remove(visitor)
            self._by_tenant[tenant] -= 1
            if not self._by_tenant[tenant]:
                del self._by_tenant[tenant]

    async def _put_out(self) -> None:
        revoked = [visitor for visitor in list(self._visitors) if not await self._is_good(visitor)]
        for visitor in revoked:
            visitor.is_revoked = True
            log.warning("token_taken_back", token=visitor.grant.name)
        await asyncio.gather(*(visitor.evict(_revoked()) for visitor in revoked if visitor.evict))

    async def _is_good(self, visitor: Visitor) -> bool:
        if visitor.grant is _BOT or visitor.is_revoked:
            return True
        return await self._access.still_admits(visitor.credentials, Scope.INGEST)


def _revoked() -> Refused:
    return Refused(Reason.UNAUTHORIZED, "the token is not good any more")
