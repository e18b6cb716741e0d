"""Connections that go only where they may: names are resolved here, and what they lead to is checked.

The connection is opened to the very address that was checked, so a name that leads elsewhere a
moment later (DNS rebinding) gains nothing. Resolving has threads of its own, since the system's
resolver cannot be cancelled and strangers choose the names.
"""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore

from common.addresses import Address, AddressPolicy, Target
from common.errors import HubbubError

MAX_ADDRESSES = 3
RESOLVER_THREADS = 16


class AddressRefused(HubbubError):
    """A name leads only to addresses that webhooks must not be sent to."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """The network as webhooks may see it, for connections that will speak TLS or that will not."""

    def __init__(self, policy: AddressPolicy, resolvers: ThreadPoolExecutor, *, is_secure: bool) -> None:
        self._policy = policy
        self._resolvers = resolvers
        self._is_secure = is_secure
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first permitted address that answers. Raises AddressRefused or httpcore's errors."""
        failure: Exception | None = None
        for address in await self._permitted(Target(host, port, self._is_secure)):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def _permitted(self, target: Target) -> list[Address]:
        found = await self._resolve(target)
        permitted = [address for address in found if self._policy.permits(address, target)]
        if not permitted:
            raise AddressRefused(
                f"{target.host} is not a public address over https, nor allowed by the operator"
            )
        return permitted[:MAX_ADDRESSES]

    async def _resolve(self, target: Target) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self._resolvers, lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{target.host} cannot be resolved") from error
        return list(dict.fromkeys(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
