"""What the gateway answers, as values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from common.client.failures import Unreachable, failure
from common.results import TYPES, Result, from_json

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Placed:
    """A result and its position, from which reading goes on."""

    position: str
    result: Result


@dataclass(frozen=True, slots=True)
class Page:
    """Stored results, the position up to which they were read, and whether there is more behind it."""

    results: Sequence[Placed]
    position: str
    more: bool


@dataclass(frozen=True, slots=True)
class MeetingInfo:
    """A meeting; times in milliseconds, `coverage` the share of audio that reached a final result."""

    meeting: str
    state: Literal["awaited", "live", "ended"]
    started_at_ms: int
    ended_at_ms: int | None
    duration_ms: int
    coverage: float


_MEETINGS = TypeAdapter(list[MeetingInfo])


def address_of(url: str) -> str:
    """The address, which must say how to get there: nobody reaches one without by trying again."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"gateway {url!r}: want an address such as http://127.0.0.1:8780")
    return url


def path_of(meeting: str, document: str) -> str:
    """The address of a document of a meeting."""
    return f"/v1/meetings/{quote(meeting, safe='')}/{document}"


def selection(types: Iterable[str] | None, after: str) -> dict[str, str]:
    """Parameters that choose results. Raises ValueError for a type that there is not."""
    names = [] if types is None else list(types)
    if unknown := set(names) - TYPES.keys():
        raise ValueError(f"no result type {sorted(unknown)}: there are {sorted(TYPES)}")
    return {key: value for key, value in {"types": ",".join(names), "after": after}.items() if value}


def meetings_of(response: httpx.Response) -> tuple[list[MeetingInfo], str | None]:
    """A page of meetings, and what the next one begins before."""
    body = _body(response)
    try:
        return _MEETINGS.validate_python(body["meetings"]), body["next"]
    except (KeyError, ValidationError) as error:
        raise Unreachable(f"this is no gateway's list of meetings: {error}") from error


def page_of(response: httpx.Response) -> Page:
    """A page of results; those of types that this version does not know are left out."""
    body = _body(response)
    try:
        known = [item for item in body["results"] if item["type"] in TYPES]
        placed = [Placed(item["id"], from_json(orjson.dumps(item["result"]))) for item in known]
        return Page(placed, body["as_of"], body["more"])
    except KeyError as error:
        raise Unreachable(f"this is no gateway's page of results: {error} is missing") from error


def text_of(response: httpx.Response) -> str:
    """A document that is text."""
    if not response.is_success:
        raise failure(response)
    return response.text


def _body(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise failure(response)
    try:
        body: dict[str, Any] = orjson.loads(response.content)
    except ValueError as error:
        raise Unreachable(f"{response.url} does not answer with JSON: {error}") from error
    return body
