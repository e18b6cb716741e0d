"""Who may read what: a tenant by its token, or, without tokens, whoever is on this machine."""

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from common.errors import SettingsError
from common.identity import DEFAULT_TENANT
from common.settings import GatewaySettings
from workers.gateway.failures import Forbidden, Unauthorized


def check_exposure(settings: GatewaySettings) -> None:
    """Refuse to serve meetings to a network without tokens. Raises SettingsError."""
    if not settings.tokens and not is_loopback(settings.host):
        raise SettingsError(
            f"gateway.host={settings.host}: without gateway.tokens it must be a loopback address; "
            'set HUBBUB_GATEWAY__TOKENS={"default":"…"} to serve others'
        )


def tenant_of(connection: HTTPConnection, tokens: Mapping[str, SecretStr]) -> str:
    """The tenant a request speaks for. Raises Unauthorized or Forbidden.

    Without tokens the browser is the danger: a page of any site may send it here, under a name
    that its owner resolves to this machine, and sockets know no same-origin rule. So the names in
    `Host` and `Origin` must be of this machine.
    """
    if tokens:
        return _tenant_by_token(_token(connection), tokens)
    for header in ("host", "origin"):
        value = connection.headers.get(header)
        if value is not None and not is_loopback(_hostname(value)):
            raise Forbidden(f"{header} {value[:100]!r}: without gateway.tokens only this machine may read")
    return DEFAULT_TENANT


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _tenant_by_token(token: str, tokens: Mapping[str, SecretStr]) -> str:
    """Compare with every token, each in constant time, so that timing tells nothing."""
    matches = [
        tenant
        for tenant, known in tokens.items()
        if hmac.compare_digest(token.encode(), known.get_secret_value().encode())
    ]
    if not matches:
        raise Unauthorized("want a header 'Authorization: Bearer TOKEN', or ?access_token=TOKEN")
    return matches[0]


def _token(connection: HTTPConnection) -> str:
    """From the header, or the address, since browsers send no headers with sockets and event streams."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return connection.query_params.get("access_token", "")


def _hostname(value: str) -> str:
    try:
        return urlsplit(value if "://" in value else f"//{value}").hostname or ""
    except ValueError:
        return ""
