"""The client for programs on an event loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Literal, Self

import httpx
import structlog
from httpx_sse import SSEError, aconnect_sse

from common.client.documents import (
    PAGE,
    MeetingInfo,
    Placed,
    address_of,
    meetings_of,
    page_of,
    path_of,
    selection,
    text_of,
)
from common.client.failures import Unreachable, failure
from common.client.following import SILENCE_S, Following

log = structlog.get_logger()


class AsyncHubbub:
    """A gateway, by its address. `async with` closes its connections."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 10) -> None:
        """Raises ValueError for what is no address of a gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=address_of(url), headers=headers, timeout=timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def meetings(self) -> AsyncIterator[MeetingInfo]:
        """The meetings of the token's tenant, the one heard last first. Raises Refused, Unreachable."""
        parameters: dict[str, str] = {}
        while True:
            found, following = meetings_of(await self._get("/v1/meetings", parameters))
            for info in found:
                yield info
            if following is None:
                return
            parameters = {"before": following}

    async def results(
        self, meeting: str, *, types: Iterable[str] | None = None, after: str = ""
    ) -> AsyncIterator[Placed]:
        """What is stored of a meeting now, in the order of the stream. Raises Refused, Unreachable."""
        parameters = {**selection(types, after), "limit": str(PAGE)}
        while True:
            page = page_of(await self._get(path_of(meeting, "results"), parameters))
            for placed in page.results:
                yield placed
            if not page.more:
                return
            parameters["after"] = page.position

    async def follow(
        self, meeting: str, *, types: Iterable[str] | None = None, after: str = ""
    ) -> AsyncIterator[Placed]:
        """What is stored of a meeting `after` a position, then what comes, each once, without an end.

        Connects again whenever it must; raises Refused when that is of no use. `after="$"` begins now.
        """
        following = Following(types, after)
        while True:
            try:
                async with aclosing(self._connection(meeting, following)) as connection:
                    async for placed in connection:
                        yield placed
            except (httpx.TransportError, SSEError, Unreachable) as error:
                log.warning("connecting_again", meeting=meeting, after=following.position, error=str(error))
            await asyncio.sleep(following.pause_s())

    async def transcript(self, meeting: str, form: Literal["vtt", "srt", "txt", "md"] = "txt") -> str:
        """The transcript so far, or for good. Raises Refused, Unreachable."""
        return text_of(await self._get(path_of(meeting, f"transcript.{form}"), {}))

    async def _connection(self, meeting: str, following: Following) -> AsyncGenerator[Placed, None]:
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE_S)
        path = path_of(meeting, "events")
        async with aconnect_sse(
            self._http, "GET", path, params=following.parameters, timeout=timeout
        ) as events:
            if not events.response.is_success:
                await events.response.aread()
                raise failure(events.response)
            async for event in events.aiter_sse():
                placed = following.take(event)
                if placed is not None:
                    yield placed

    async def _get(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        try:
            return await self._http.get(path, params=parameters)
        except httpx.TransportError as error:
            raise Unreachable(f"{self._http.base_url}: {error}") from error
