"""The client for programs that block."""

import time
from collections.abc import Iterable, Iterator
from typing import Literal, Self

import httpx
import structlog
from httpx_sse import SSEError, connect_sse

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


class Hubbub:
    """A gateway, by its address. For one thread at a time; `with` closes its connections."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 10) -> None:
        """Raises ValueError for what is no address of a gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=address_of(url), headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def meetings(self) -> Iterator[MeetingInfo]:
        """The meetings of the token's tenant, the one heard last first. Raises Refused, Unreachable."""
        parameters: dict[str, str] = {}
        while True:
            found, following = meetings_of(self._get("/v1/meetings", parameters))
            yield from found
            if following is None:
                return
            parameters = {"before": following}

    def results(
        self, meeting: str, *, types: Iterable[str] | None = None, after: str = ""
    ) -> Iterator[Placed]:
        """What is stored of a meeting now, in the order of the stream. Raises Refused, Unreachable."""
        parameters = {**selection(types, after), "limit": str(PAGE)}
        while True:
            page = page_of(self._get(path_of(meeting, "results"), parameters))
            yield from page.results
            if not page.more:
                return
            parameters["after"] = page.position

    def follow(
        self, meeting: str, *, types: Iterable[str] | None = None, after: str = ""
    ) -> Iterator[Placed]:
        """What is stored of a meeting `after` a position, then what comes, each once, without an end.

        Connects again whenever it must; raises Refused when that is of no use. `after="$"` begins now.
        """
        following = Following(types, after)
        while True:
            try:
                yield from self._connection(meeting, following)
            except (httpx.TransportError, SSEError, Unreachable) as error:
                log.warning("connecting_again", meeting=meeting, after=following.position, error=str(error))
            time.sleep(following.pause_s())

    def transcript(self, meeting: str, form: Literal["vtt", "srt", "txt", "md"] = "txt") -> str:
        """The transcript so far, or for good. Raises Refused, Unreachable."""
        return text_of(self._get(path_of(meeting, f"transcript.{form}"), {}))

    def _connection(self, meeting: str, following: Following) -> Iterator[Placed]:
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE_S)
        path = path_of(meeting, "events")
        with connect_sse(self._http, "GET", path, params=following.parameters, timeout=timeout) as events:
            if not events.response.is_success:
                events.response.read()
                raise failure(events.response)
            for event in events.iter_sse():
                placed = following.take(event)
                if placed is not None:
                    yield placed

    def _get(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        try:
            return self._http.get(path, params=parameters)
        except httpx.TransportError as error:
            raise Unreachable(f"{self._http.base_url}: {error}") from error
