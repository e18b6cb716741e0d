"""Which addresses this system may be sent to by strangers: the guard against request forgery."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from common.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_URL_LENGTH = 2000
HTTPS_PORT = 443
FIRST_FREE_PORT = 1024

# What `is_global` lets through, in some versions of Python: services of cloud platforms (Azure's has
# a public number, Oracle's lies in the first block), and networks reserved since.
_RESERVED = tuple(
    map(
        ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16"),
    )
)
_TRANSLATED = ip_network("64:ff9b::/96")
_URL = TypeAdapter(AnyHttpUrl)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection is to go: the name asked for, the port, and whether through TLS."""

    host: str
    port: int
    is_secure: bool


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses over TLS; besides, whatever the operator allows by network or host name."""

    networks: Sequence[Network] = ()
    hosts: frozenset[str] = frozenset()

    def permits(self, address: Address, target: Target) -> bool:
        """Whether a connection may be opened to this address."""
        plain = _unwrapped(address)
        if target.host.lower() in self.hosts or any(plain in network for network in self.networks):
            return True
        return target.is_secure and is_public(plain) and _is_usual(target.port)

    def check(self, url: str) -> str:
        """The address in its normal form, if it can be permitted at all. Raises InvalidInput.

        A name says nothing about where it leads: that is checked with each connection.
        """
        normal = _normal(url)
        target = target_of(normal)
        try:
            literal = ip_address(target.host)
        except ValueError:
            if not target.is_secure and not self.networks and target.host not in self.hosts:
                raise InvalidInput(f"url {url[:100]!r}: want https") from None
            return normal
        if not self.permits(literal, target):
            raise InvalidInput(f"url {url[:100]!r}: not a public address over https")
        return normal


def target_of(url: str) -> Target:
    """Where an address in normal form leads."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    return Target(parts.hostname or "", parts.port or (HTTPS_PORT if is_secure else 80), is_secure)


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet, and so of nobody's private network or machine."""
    plain = _unwrapped(address)
    return plain.is_global and not plain.is_multicast and not any(plain in network for network in _RESERVED)


def _is_usual(port: int) -> bool:
    """Services that speak first or misread HTTP (mail, shells) live on the other ports."""
    return port == HTTPS_PORT or port >= FIRST_FREE_PORT


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, however it is wrapped."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _normal(url: str) -> str:
    if len(url) > MAX_URL_LENGTH:
        raise InvalidInput(f"url: longer than {MAX_URL_LENGTH} characters")
    try:
        parsed = _URL.validate_python(url)
    except ValidationError as error:
        raise InvalidInput(f"url {url[:100]!r}: {error.errors()[0]['msg']}") from error
    if parsed.username or parsed.password or parsed.fragment:
        raise InvalidInput("url: want it without user name, password and fragment")
    return str(parsed)
