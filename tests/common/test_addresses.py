from ipaddress import ip_address, ip_network

import pytest

from common.addresses import AddressPolicy, Target, is_public
from common.errors import InvalidInput

HTTPS = Target("example.org", 443, is_secure=True)
HTTP = Target("example.org", 80, is_secure=False)
STRICT = AddressPolicy()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
        "255.255.255.255", "168.63.129.16", "::", "::1", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "64:ff9b:1::1", "100::1", "3fff::1",
    ],
)  # fmt: skip
def test_addresses_of_private_networks_and_platforms_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not STRICT.permits(ip_address(address), HTTPS)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "::ffff:1.1.1.1"])
def test_public_ones_are_permitted_over_tls_only(address: str) -> None:
    assert STRICT.permits(ip_address(address), HTTPS)
    assert not STRICT.permits(ip_address(address), HTTP)
    assert not STRICT.permits(ip_address(address), Target("example.org", 25, is_secure=True))
    assert STRICT.permits(ip_address(address), Target("example.org", 8443, is_secure=True))


def test_an_operator_may_allow_networks_and_names() -> None:
    policy = AddressPolicy([ip_network("10.1.0.0/16")], frozenset({"hooks.inside"}))
    assert policy.permits(ip_address("10.1.2.3"), HTTP)
    assert policy.permits(ip_address("::ffff:10.1.2.3"), HTTP)
    assert not policy.permits(ip_address("10.2.0.1"), HTTPS)
    assert policy.permits(ip_address("10.2.0.1"), Target("Hooks.Inside", 80, is_secure=False))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG:443/a?b=c", "https://example.org/a?b=c"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
    ],
)
def test_addresses_are_kept_in_normal_form(url: str, normal: str) -> None:
    assert STRICT.check(url) == normal


@pytest.mark.parametrize(
    "url", ["https://0x7f.1/", "https://017700000001/", "https://[::1]/", "https://1.1.1.1:22/"]
)
def test_disguised_ones_are_seen_through(url: str) -> None:
    with pytest.raises(InvalidInput, match="public"):
        STRICT.check(url)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer"):
        STRICT.check("https://example.org/" + "x" * 2000)
