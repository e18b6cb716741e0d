"""MeetStream's REST API: bots into meetings and out of them, and messages into their chats.

https://docs.meetstream.ai: a key as `Authorization: Token …`; errors as `{"message": …}`; 507 is
the answer to a repeated `Idempotency-Key`, with the bot of the first time.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from common.errors import HubbubError
from common.settings import MeetStreamSettings

MOST_BYTES = 65_536
LONGEST_REASON = 300
TRIES = 3
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_CREATED_BEFORE = 507


class NotConfigured(HubbubError):
    """Bots cannot be sent from here; says which settings are missing."""


class VendorRefused(HubbubError):
    """MeetStream understood and said no; asking again would change nothing."""


class KeyRefused(HubbubError):
    """MeetStream does not accept our key."""


class VendorForgot(HubbubError):
    """MeetStream knows no such bot, or has it no longer."""


class VendorBusy(HubbubError):
    """MeetStream wants to be asked later."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class VendorUnavailable(HubbubError):
    """MeetStream did not answer in time, or answered nothing that makes sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What bot to send where, and the token in the addresses that it is to dial."""

    link: str
    name: str
    token: str
    greeting: str = ""
    join_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object, which is empty where the body was none."""

    status: int
    fields: Mapping[str, Any]
    retry_after_s: int | None


class MeetStream:
    """One account. Asks again by itself where that cannot do anything twice."""

    def __init__(self, settings: MeetStreamSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    def check(self) -> None:
        """Raises NotConfigured."""
        missing = [
            f"HUBBUB_MEETSTREAM__{name}"
            for name, value in (
                ("API_KEY", self._settings.api_key.get_secret_value()),
                ("INGEST_URL", self._settings.ingest_url),
            )
            if not value
        ]
        if missing:
            raise NotConfigured(f"no bots are sent from here: set {' and '.join(missing)}")

    async def create_bot(self, order: Order, key: str) -> str:
        """Send a bot; returns its id. The same key again sends no second one. Raises Vendor…."""
        body = _order_body(order, self._settings)
        answer = await self._insist("POST", "/bots/create_bot", body, {"Idempotency-Key": key})
        for name in ("bot_id", "id", "BotID"):
            if isinstance(found := answer.fields.get(name), str) and found:
                return found
        raise VendorUnavailable("MeetStream sent a bot without saying which")

    async def remove_bot(self, bot_id: str) -> None:
        """Let a bot leave its meeting. Raises Vendor…."""
        await self._insist("GET", _bot(bot_id, "remove_bot"))

    async def status(self, bot_id: str) -> str:
        """MeetStream's word for what a bot is doing, empty where it has none. Raises Vendor…."""
        fields = (await self._insist("GET", _bot(bot_id, "status"))).fields
        found = fields.get("status") or fields.get("bot_status")
        return found[:64] if isinstance(found, str) else ""

    async def send_message(self, bot_id: str, text: str) -> None:
        """Write into a meeting's chat; asked once, so that nothing is said twice. Raises Vendor…."""
        body = {"message": text, "metadata": {"message_type": "text"}}
        async with self._in_time():
            _check(await self._ask("POST", _bot(bot_id, "send_message"), body, {}))

    async def _insist(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask until there is an answer that stands, a few times at most."""
        async with self._in_time():
            for attempt in range(1, TRIES + 1):
                try:
                    return _check(await self._ask(method, path, body, headers or {}))
                except VendorBusy as busy:
                    if attempt == TRIES or busy.retry_after_s > _LONGEST_PAUSE_S:
                        raise
                    await asyncio.sleep(busy.retry_after_s)
                except VendorUnavailable:
                    if attempt == TRIES:
                        raise
                    await asyncio.sleep(_PAUSE_S * 2**attempt)
        raise AssertionError("the last try returns or raises")

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        within_s = self._settings.timeout_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError as error:
            raise VendorUnavailable(f"MeetStream did not answer within {within_s:g} s") from error

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        self.check()
        authorization = f"Token {self._settings.api_key.get_secret_value()}"
        request = self._client.build_request(
            method,
            self._settings.base_url.rstrip("/") + path,
            json=body,
            headers={"Authorization": authorization, **headers},
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                return Answer(response.status_code, await _fields(response), _retry_after_s(response))
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise VendorUnavailable(f"MeetStream does not answer: {type(error).__name__}") from error


def _bot(bot_id: str, action: str) -> str:
    return f"/bots/{quote(bot_id, safe='')}/{action}"


def _order_body(order: Order, settings: MeetStreamSettings) -> dict[str, Any]:
    """Without a transcript provider, since the words are ours; `video_required` would default to true."""
    ingest = settings.ingest_url.rstrip("/")
    body: dict[str, Any] = {
        "meeting_link": order.link,
        "bot_name": order.name,
        "video_required": False,
        "live_audio_required": {"websocket_url": f"{ingest}/v1/meetstream/audio/{order.token}"},
        "socket_connection_url": {"websocket_url": f"{ingest}/v1/meetstream/control/{order.token}"},
        "recording_config": {"retention": {"type": "timed", "hours": settings.recording_hours}},
    }
    if order.greeting:
        body["bot_message"] = order.greeting
    if order.join_at is not None:
        body["join_at"] = order.join_at.isoformat()
    return body


def _check(answer: Answer) -> Answer:
    """The answer, if it is one that stands. Raises Vendor…."""
    said = _reason(answer)
    match answer.status:
        case code if code // 100 == 2 or code == _CREATED_BEFORE:
            return answer
        case 401 | 403:
            raise KeyRefused(f"MeetStream refuses the key HUBBUB_MEETSTREAM__API_KEY: {said}")
        case 404 | 410:
            raise VendorForgot(f"MeetStream does not know this bot: {said}")
        case 429:
            wait_s = answer.retry_after_s or 1
            raise VendorBusy(f"MeetStream wants to be asked again in {wait_s} s: {said}", wait_s)
        case code if code // 100 == 4:
            raise VendorRefused(f"MeetStream refuses this: {said}")
        case code:
            raise VendorUnavailable(f"MeetStream answered with status {code}: {said}")


def _reason(answer: Answer) -> str:
    message = answer.fields.get("message") or answer.fields.get("detail") or answer.fields.get("error")
    text = message if isinstance(message, str) else f"status {answer.status}"
    return " ".join(text.split())[:LONGEST_REASON]


async def _fields(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object in the body. Raises VendorUnavailable when it never ends."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            raise VendorUnavailable(f"MeetStream answered with more than {MOST_BYTES} bytes")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(response: httpx.Response) -> int | None:
    value = response.headers.get("retry-after", "")
    return min(int(value), 3600) if value.isascii() and value.isdigit() else None
