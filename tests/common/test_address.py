import pytest

from common.errors import SettingsError
from common.streams.address import parse_address
from common.streams.slot_map import parse_slots


def test_one_server_is_its_url() -> None:
    address = parse_address("rediss://user:p%40ss@host:1/2?ssl_ca_certs=ca.pem")
    assert (address.kind, address.whole) == ("server", "rediss://user:p%40ss@host:1/2?ssl_ca_certs=ca.pem")


def test_a_cluster_is_some_of_its_nodes() -> None:
    address = parse_address("rediss+cluster://user:p%40ss@one:7000,two,[::1]:7002?ssl_ca_certs=ca.pem")
    assert (address.kind, address.nodes) == ("cluster", (("one", 7000), ("two", 6379), ("::1", 7002)))
    assert address.url("::1", 5) == "rediss://user:p%40ss@[::1]:5?ssl_ca_certs=ca.pem"


def test_sentinels_name_a_service() -> None:
    address = parse_address("redis+sentinel://:p%40ss@one,two:7001/main/3")
    assert (address.kind, address.nodes) == ("sentinel", (("one", 26379), ("two", 7001)))
    assert address.service == "main"
    assert address.login == {"username": None, "password": "p@ss", "db": 3, "ssl": False}
    assert address.url("found", 6379) == "redis://:p%40ss@found:6379/3"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://host", "want redis"),
        ("redis+ring://host", "want redis"),
        ("unix+cluster:///socket", "want redis"),
        ("redis+cluster://", "at least one cluster node"),
        ("redis+cluster://host/3", "no database"),
        ("redis+sentinel://host:1", "name the service"),
        ("redis+sentinel://host/main/x", "no number"),
        ("redis+cluster://host:port", "no host:port"),
    ],
)
def test_what_cannot_be_an_address_is_refused_without_its_password(url: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as refused:
        parse_address(url.replace("://", "://user:secret@"))
    assert "secret" not in str(refused.value)


def test_a_key_is_served_by_the_primary_of_its_slot() -> None:
    slots = [
        [8192, 16383, [b"two", 2, b"id"], [b"spare", 4, b"id"]],
        [0, 8000, [b"", 1, b"id"]],
    ]
    found = parse_slots(slots, asked=("one", 9))
    served = {found.place_of(f"hb:{{{shard}}}:audio") for shard in range(32)}
    assert served == {("one", 1), ("two", 2)}
    assert found.place_of("hb:{7}:audio") == found.place_of("hb:{7}:results")
    assert ("spare", 4) in found.known


def test_a_slot_that_nobody_serves_has_no_place() -> None:
    found = parse_slots([[0, 0, [b"one", 1, b"id"]]], asked=("one", 1))
    assert found.place_of("hb:{7}:audio") is None
