"""Who is let in, at the object that decides it for ingest and the gateway alike."""

import time

import fakeredis
import pytest

from common.access import FRESH_S, Access, Credentials, Forbidden, Unauthorized, credentials_of
from common.errors import SettingsError
from common.settings import AccessSettings, TokenSettings
from common.streams import keys
from common.streams.client import Client
from common.streams.tokens import TokenStore
from common.tokens import Scope

READ = frozenset({Scope.READ})
HERE = Credentials("", host="127.0.0.1:8780")
CONFIGURED = TokenSettings(tenant="acme", token="0123456789abcdef0123")  # type: ignore[arg-type]


@pytest.fixture
def redis() -> Client:
    return fakeredis.FakeAsyncRedis()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Seconds that the monotonic clock is ahead."""
    ahead = [0.0]
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + ahead[0])
    return ahead


def access(redis: Client, host: str = "127.0.0.1", **settings: object) -> Access:
    return Access(AccessSettings(**settings), TokenStore(redis), host=host)  # type: ignore[arg-type]


async def test_a_token_lets_in_for_its_tenant_and_scopes_only(redis: Client) -> None:
    text, token = await TokenStore(redis).create("acme", READ, note="page", max_meetings=3)
    grant = await access(redis).admit(Credentials(text), Scope.READ)
    assert (grant.tenant, grant.scopes, grant.token_id, grant.max_meetings) == ("acme", READ, token.id, 3)
    with pytest.raises(Forbidden, match="this needs ingest"):
        await access(redis).admit(Credentials(text), Scope.INGEST)
    for wrong in (text[:-1], text + "x", text.upper(), "x", "\N{SNOWMAN}" * 40):
        with pytest.raises(Unauthorized):
            await access(redis).admit(Credentials(wrong), Scope.READ)


async def test_what_is_stored_does_not_let_in(redis: Client) -> None:
    text, token = await TokenStore(redis).create("acme", READ)
    stored = await redis.hgetall(keys.token(token.id))
    for value in (token.id, *(value.decode() for value in stored.values())):
        assert text not in value
        if value:
            with pytest.raises(Unauthorized):
                await access(redis).admit(Credentials(value), Scope.READ)


async def test_tokens_are_long_and_never_the_same(redis: Client) -> None:
    texts = {(await TokenStore(redis).create("acme", READ))[0] for _ in range(50)}
    assert len(texts) == 50
    assert all(len(text.removeprefix("hubbub_")) * 6 >= 128 for text in texts)


async def test_a_revoked_token_is_refused_within_seconds(redis: Client, clock: list[float]) -> None:
    text, token = await TokenStore(redis).create("acme", READ)
    door = access(redis)
    assert await door.still_admits(Credentials(text), Scope.READ)
    assert await TokenStore(redis).revoke(token.id)
    assert not await TokenStore(redis).revoke(token.id)
    clock[0] = FRESH_S
    assert not await door.still_admits(Credentials(text), Scope.READ)
    assert await TokenStore(redis).list() == []


async def test_a_token_expires(redis: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    text, token = await TokenStore(redis).create("acme", READ, lifetime_s=60)
    door = access(redis)
    assert await door.still_admits(Credentials(text), Scope.READ)
    assert 0 < await redis.pttl(keys.token(token.id)) <= 60_000
    monkeypatch.setattr("common.access.unix_ms", lambda: token.expires_at_ms)
    assert not await door.still_admits(Credentials(text), Scope.READ)


async def test_rotation_needs_no_restart(redis: Client) -> None:
    door = access(redis)
    for _ in range(3):
        text, token = await TokenStore(redis).create("acme", READ)
        assert (await door.admit(Credentials(text), Scope.READ)).token_id == token.id


async def test_a_configured_token_is_a_token_like_others(redis: Client) -> None:
    door = access(redis, tokens=(CONFIGURED,))
    assert (await door.admit(Credentials("0123456789abcdef0123"), Scope.READ)).tenant == "acme"
    with pytest.raises(Unauthorized):
        await door.admit(HERE, Scope.READ)


async def test_the_first_token_shuts_the_door_for_whoever_has_none(redis: Client, clock: list[float]) -> None:
    door = access(redis)
    assert (await door.admit(HERE, Scope.ADMIN)).tenant == "default"
    _, token = await TokenStore(redis).create("acme", READ)
    await TokenStore(redis).revoke(token.id)
    clock[0] = FRESH_S
    with pytest.raises(Unauthorized):
        await door.admit(HERE, Scope.READ)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Credentials("", host="hubbub.example"),
        Credentials("", host="127.0.0.1", origin="https://evil.example"),
        Credentials("", host="127.0.0.1", origin="null"),
        credentials_of({"host": "127.0.0.1", "x-forwarded-for": "203.0.113.9"}, {}),
        credentials_of({"host": "127.0.0.1", "forwarded": "for=203.0.113.9"}, {}),
    ],
)
async def test_without_tokens_only_this_machine_is_served(redis: Client, elsewhere: Credentials) -> None:
    with pytest.raises(Forbidden, match="only this machine"):
        await access(redis).admit(elsewhere, Scope.READ)
    with pytest.raises(Unauthorized):
        await access(redis, host="0.0.0.0").admit(HERE, Scope.READ)
    with pytest.raises(Unauthorized):
        await access(redis, anonymous="never").admit(HERE, Scope.READ)
    assert await access(redis, host="0.0.0.0", anonymous="anywhere").admit(elsewhere, Scope.READ)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "hubbub.example"])
async def test_a_network_is_served_only_with_tokens_or_on_request(redis: Client, host: str) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.host=.*hubbub token create"):
        await access(redis, host).check_exposure("gateway")
    await access(redis, host, tokens=(CONFIGURED,)).check_exposure("gateway")
    await access(redis, host, anonymous="anywhere").check_exposure("gateway")
    await TokenStore(redis).create("acme", READ)
    await access(redis, host).check_exposure("gateway")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_this_machine_may_be_served_without(redis: Client, host: str) -> None:
    await access(redis, host).check_exposure("gateway")


def test_a_token_is_found_where_clients_can_put_it() -> None:
    assert credentials_of({"authorization": "bearer  abc "}, {}).token == "abc"
    assert credentials_of({"authorization": "Basic abc"}, {"access_token": "xyz"}).token == "xyz"
    assert credentials_of({}, {}, "in-path").token == "in-path"
