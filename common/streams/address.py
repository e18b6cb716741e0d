"""Where Redis is: one server, a primary that Sentinels name, or a cluster, all told by a URL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from common.errors import SettingsError

Kind = Literal["server", "cluster", "sentinel"]
Place = tuple[str, int]
_PORTS = {"cluster": 6379, "sentinel": 26379}


@dataclass(frozen=True, slots=True)
class Address:
    """`nodes` are some of the cluster, or the Sentinels that know `service`.

    `scheme`, `user`, `path` and `query` are what the URL of each server behind them has in common.
    A server alone is told by its `whole` URL.
    """

    kind: Kind
    nodes: tuple[Place, ...]
    scheme: str
    user: str = ""
    service: str = ""
    path: str = ""
    query: str = ""
    whole: str = ""

    @property
    def login(self) -> dict[str, Any]:
        """What the URL says apart from the place, as redis-py takes it."""
        name, _, password = self.user.partition(":")
        said = {"username": unquote(name) or None, "password": unquote(password) or None}
        tls = {key: value for key, value in parse_qsl(self.query) if key.startswith("ssl_")}
        return {**said, **tls, "db": int(self.path.strip("/") or 0), "ssl": self.scheme == "rediss"}

    def url(self, host: str, port: int) -> str:
        """The URL of one server behind a cluster or Sentinels."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        netloc = f"{self.user}@{place}" if self.user else place
        return urlunsplit((self.scheme, netloc, self.path, self.query, ""))


def parse_address(url: str) -> Address:
    """Read `redis://…`, `redis+cluster://host:port,host:port`, `redis+sentinel://host:port,…/service/db`.

    With `rediss` for TLS. Raises SettingsError; the text holds no password.
    """
    scheme, _, rest = url.partition("://")
    plain, _, kind = scheme.partition("+")
    parts = urlsplit(f"{plain}://{rest}")
    user, _, places = parts.netloc.rpartition("@")
    if kind == "" and plain in ("redis", "rediss", "unix"):
        return Address("server", (), plain, whole=url)
    if plain not in ("redis", "rediss") or kind not in ("cluster", "sentinel"):
        raise SettingsError(
            f"redis.url {scheme!r}: want redis, rediss, unix, or the first two with +cluster or +sentinel"
        )
    if kind == "cluster":
        if parts.path not in ("", "/", "/0"):
            raise SettingsError(f"redis.url: a cluster has no database {parts.path!r}")
        return Address("cluster", _places(places, "cluster"), plain, user, query=parts.query)
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise SettingsError("redis.url: after the Sentinels, name the service: …/mymaster")
    if database and not database.isdecimal():
        raise SettingsError(f"redis.url: database {database!r} is no number")
    nodes = _places(places, "sentinel")
    return Address("sentinel", nodes, plain, user, service, f"/{database}" if database else "", parts.query)


def _places(text: str, kind: Kind) -> tuple[Place, ...]:
    places: Sequence[str] = [part for part in text.split(",") if part]
    if not places:
        raise SettingsError(f"redis.url: want host:port of at least one {kind} node")
    return tuple(_place(part, _PORTS[kind]) for part in places)


def _place(text: str, port: int) -> Place:
    try:
        parts = urlsplit(f"//{text}")
        return parts.hostname or "localhost", parts.port or port
    except ValueError as error:
        raise SettingsError(f"redis.url: {text!r} is no host:port") from error
