"""One attempt: a POST that ends in bounded time and takes a bounded number of bytes, whoever answers."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime

import httpcore

from common.addresses import AddressPolicy
from common.clock import unix_ms
from common.settings import WebhookSettings
from common.webhooks import Attempt
from workers.jobs.webhooks.guarded_network import RESOLVER_THREADS, AddressRefused, GuardedNetwork
from workers.jobs.webhooks.patience import Outcome

MAX_ANSWER_BYTES = 16_384
ANSWER_S = 1.0
EXCERPT_CHARACTERS = 200
KEPT_CONNECTIONS = 64
KEPT_CONNECTION_S = 30
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    AddressRefused,
    OSError,
)


class Sender:
    """Posts to receivers. Redirects are not followed; beyond a little, what is answered is not read."""

    def __init__(self, pools: Mapping[str, httpcore.AsyncConnectionPool], timeout_s: float) -> None:
        self._pools = pools
        self._timeout_s = timeout_s

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Make one attempt; whatever goes wrong is in the outcome."""
        at_ms, began = unix_ms(), time.monotonic()
        status, error, retry_after_s = None, "", 0.0
        try:
            async with asyncio.timeout(self._timeout_s):
                status, error, retry_after_s = await self._exchange(url, headers, body)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except _FAILURES as failure:
            error = _reason(failure)
        took_ms = round(1000 * (time.monotonic() - began))
        return Outcome(Attempt(at_ms=at_ms, took_ms=took_ms, status=status, error=error), retry_after_s)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, float]:
        """The status, what is wrong with it, and for how many seconds we are asked to stay away."""
        pool = self._pools[url.partition(":")[0]]
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with pool.stream("POST", url, headers=sent, content=body) as response:
            answer = await _beginning(response)
            if 200 <= response.status < 300:
                return response.status, "", 0
            return response.status, _refusal(response, answer), _retry_after_s(response)


@asynccontextmanager
async def open_sender(settings: WebhookSettings) -> AsyncIterator[Sender]:
    """A sender, and its connections, for as long as the context lasts."""
    policy = AddressPolicy(settings.allowed_networks, frozenset(map(str.lower, settings.allowed_hosts)))
    trusted = httpcore.default_ssl_context()
    if settings.ca_file is not None:
        trusted.load_verify_locations(settings.ca_file)
    resolvers = ThreadPoolExecutor(RESOLVER_THREADS, "resolver")
    async with AsyncExitStack() as stack:
        stack.callback(resolvers.shutdown, wait=False, cancel_futures=True)
        pools = {
            scheme: await stack.enter_async_context(
                _pool(trusted, GuardedNetwork(policy, resolvers, is_secure=scheme == "https"))
            )
            for scheme in ("https", "http")
        }
        yield Sender(pools, settings.timeout_s)


def _pool(trusted: ssl.SSLContext, network: GuardedNetwork) -> httpcore.AsyncConnectionPool:
    """As many connections as there are attempts, which are bounded elsewhere."""
    return httpcore.AsyncConnectionPool(
        ssl_context=trusted,
        max_connections=None,
        max_keepalive_connections=KEPT_CONNECTIONS,
        keepalive_expiry=KEPT_CONNECTION_S,
        network_backend=network,
    )


async def _beginning(response: httpcore.Response) -> bytes:
    """The first bytes of the body, as far as they come soon. Read to its end, the connection serves again."""
    read = b""
    try:
        async with asyncio.timeout(ANSWER_S):
            async for part in response.aiter_stream():
                read += part
                if len(read) > MAX_ANSWER_BYTES:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        pass  # the status has said what matters
    return read[:MAX_ANSWER_BYTES]


def _refusal(response: httpcore.Response, answer: bytes) -> str:
    if 300 <= response.status < 400:
        return f"status {response.status}: redirects are not followed"
    text = answer[: 4 * EXCERPT_CHARACTERS].decode(errors="replace")
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"status {response.status}: {words[:EXCERPT_CHARACTERS]}".rstrip(": ")


def _retry_after_s(response: httpcore.Response) -> float:
    """Seconds, or a date; 0 where the receiver says nothing that can be read."""
    value = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"retry-after"), "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _reason(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
