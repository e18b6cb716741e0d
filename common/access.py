"""Who is let in: by a token of a tenant, or, where there are no tokens, whoever is on this machine."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from math import inf
from urllib.parse import urlsplit

from common.clock import unix_ms
from common.errors import HubbubError, SettingsError
from common.identity import DEFAULT_TENANT
from common.settings import AccessSettings, Settings, TokenSettings
from common.streams.client import PASSING
from common.streams.tokens import TokenStore
from common.tokens import Grant, Scope, Token, digest_of, id_of

FRESH_S = 2.0
"""How long a look at a token is good: a revoked one is refused after this time at the latest."""
MOST_REMEMBERED = 10_000
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class Unauthorized(HubbubError):
    """No token, or none that is good."""


class Forbidden(HubbubError):
    """A good token for something else, or a request that a web page of another site may have caused."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of where it comes from. A `token` of "" is none."""

    token: str
    host: str | None = None
    origin: str | None = None
    is_forwarded: bool = False


def credentials_of(headers: Mapping[str, str], query: Mapping[str, str], path_token: str = "") -> Credentials:
    """From the header, the path, or the query, since browsers send no headers with sockets and event streams.

    Names of headers are looked up in lower case.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return Credentials(
        token=bearer or path_token or query.get("access_token", ""),
        host=headers.get("host"),
        origin=headers.get("origin"),
        is_forwarded=any(name in headers for name in _FORWARDED),
    )


class Access:
    """Lets requests in at one server, which listens on `host`.

    Each token is looked up at most once in FRESH_S, by one of all who ask, so that a connection may
    be checked again and again while it lasts.
    """

    def __init__(self, settings: AccessSettings, store: TokenStore, *, host: str) -> None:
        self._settings = settings
        self._store = store
        self._host = host
        self._configured = {token.id: token for token in map(_configured, settings.tokens)}
        self._seen: dict[str, tuple[Token, float]] = {}
        self._in_use: tuple[bool, float] | None = (True, inf) if self._configured else None
        self._looking = asyncio.Lock()

    async def check_exposure(self, name: str) -> None:
        """Refuse to serve a network where nobody has a token. Raises SettingsError, RedisError."""
        if is_loopback(self._host) or self._settings.anonymous == "anywhere" or await self._tokens_in_use():
            return
        raise SettingsError(
            f"{name}.host={self._host}: beyond this machine only with tokens, and there are none; run "
            "`hubbub token create`, set HUBBUB_ACCESS__TOKENS, or let anybody in with "
            "HUBBUB_ACCESS__ANONYMOUS=anywhere"
        )

    async def admit(self, credentials: Credentials, scope: Scope) -> Grant:
        """What the request may do, `scope` included. Raises Unauthorized, Forbidden, RedisError."""
        if not credentials.token:
            return await self._anonymous(credentials)
        token = await self._look_up(credentials.token)
        if token is None:
            raise Unauthorized("the token is unknown, revoked or expired")
        if scope not in token.scopes:
            raise Forbidden(f"this token is for {', '.join(sorted(token.scopes))}; this needs {scope}")
        return Grant(
            tenant=token.tenant, scopes=token.scopes, token_id=token.id, max_meetings=token.max_meetings
        )

    async def still_admits(self, credentials: Credentials, scope: Scope) -> bool:
        """Whether a connection that was let in would be now. Raises RedisError."""
        try:
            await self.admit(credentials, scope)
        except (Unauthorized, Forbidden):
            return False
        return True

    async def _look_up(self, text: str) -> Token | None:
        token_id = id_of(text)
        token = self._configured.get(token_id) or await self._stored(token_id)
        return token if token is not None and token.fits(text, unix_ms()) else None

    async def _stored(self, token_id: str) -> Token | None:
        """As last seen, where Redis does not answer: nothing can be read or written then anyway."""
        known = self._seen.get(token_id)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        async with self._looking:
            if self._seen.get(token_id) is not known:
                return self._seen[token_id][0] if token_id in self._seen else None
            try:
                token = await self._store.find(token_id)
            except PASSING:
                if known is None:
                    raise
                return known[0]
            self._remember(token_id, token)
            return token

    def _remember(self, token_id: str, token: Token | None) -> None:
        self._seen.pop(token_id, None)
        if token is None:
            return
        while len(self._seen) >= MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[token_id] = token, time.monotonic() + FRESH_S

    async def _tokens_in_use(self) -> bool:
        known = self._in_use
        if known is not None and (known[0] or time.monotonic() < known[1]):
            return known[0]
        async with self._looking:
            if self._in_use is known:
                try:
                    self._in_use = await self._store.in_use(), time.monotonic() + FRESH_S
                except PASSING:
                    if known is None:
                        raise
        assert self._in_use is not None
        return self._in_use[0]

    async def _anonymous(self, credentials: Credentials) -> Grant:
        """Whoever is on this machine, or whatever the settings say.

        Without tokens the browser is the danger: a page of any site may send it here, under a name
        that its owner resolves to this machine, and sockets know no same-origin rule. So the names in
        `Host` and `Origin` must be of this machine, and a proxy must not have brought it.
        """
        everything = Grant(tenant=DEFAULT_TENANT, scopes=frozenset(Scope))
        if self._settings.anonymous == "anywhere":
            return everything
        if self._settings.anonymous == "never" or not is_loopback(self._host) or await self._tokens_in_use():
            raise Unauthorized("want a header 'Authorization: Bearer TOKEN', or ?access_token=TOKEN")
        for name, value in (("host", credentials.host), ("origin", credentials.origin)):
            if value is not None and not is_loopback(_hostname(value)):
                raise Forbidden(f"{name} {value[:100]!r}: without tokens only this machine is served")
        if credentials.is_forwarded:
            raise Forbidden("this came through a proxy: without tokens only this machine is served")
        return everything


def check_metrics_exposure(settings: Settings) -> None:
    """Refuse to show metrics to a network that nobody asked for. Raises SettingsError."""
    if not is_loopback(settings.metrics_host) and settings.access.metrics != "anywhere":
        raise SettingsError(
            f"metrics_host={settings.metrics_host}: beyond this machine whoever reaches it reads metrics; "
            "if that is meant, set HUBBUB_ACCESS__METRICS=anywhere"
        )


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _configured(settings: TokenSettings) -> Token:
    text = settings.token.get_secret_value()
    return Token(
        id=id_of(text),
        digest=digest_of(text),
        tenant=settings.tenant,
        scopes=frozenset(settings.scopes),
        created_at_ms=0,
        note="configured",
        max_meetings=settings.max_meetings,
    )


def _hostname(value: str) -> str:
    try:
        return urlsplit(value if "://" in value else f"//{value}").hostname or ""
    except ValueError:
        return ""
