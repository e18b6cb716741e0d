"""Who may do what here: what routes depend on, and live readers whose token is taken from them."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from common.access import Access, credentials_of
from common.streams.client import PASSING
from common.tokens import Grant, Scope
from workers.gateway.fanout import Ending
from workers.gateway.feed import Steps


def access_of(connection: HTTPConnection) -> Access:
    """What lets requests in at the gateway that serves this one."""
    access: Access = connection.app.state.gateway.access
    return access


def needs(scope: Scope) -> Callable[[HTTPConnection], Awaitable[Grant]]:
    """A dependency: the grant of a request that needs this scope."""

    async def admitted(connection: HTTPConnection) -> Grant:
        credentials = credentials_of(connection.headers, connection.query_params)
        return await access_of(connection).admit(credentials, scope)

    return admitted


Reader = Annotated[Grant, Depends(needs(Scope.READ))]
Sender = Annotated[Grant, Depends(needs(Scope.INGEST))]
Admin = Annotated[Grant, Depends(needs(Scope.ADMIN))]
Operator = Annotated[Grant, Depends(needs(Scope.OPERATE))]
"""Raise Unauthorized or Forbidden where the request may not do what these may."""


async def reader_of(reader: Reader) -> str:
    """The tenant a request reads for."""
    return reader.tenant


Tenant = Annotated[str, Depends(reader_of)]


async def while_admitted(steps: Steps, connection: HTTPConnection) -> Steps:
    """The same steps for as long as the reader's token is good; nothing is sent to a revoked one."""
    credentials = credentials_of(connection.headers, connection.query_params)
    access = access_of(connection)
    async with aclosing(steps):
        try:
            async for step in steps:
                if not await access.still_admits(credentials, Scope.READ):
                    yield Ending.REVOKED
                    return
                yield step
        except PASSING:
            yield Ending.UNAVAILABLE
