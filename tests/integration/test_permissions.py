"""What the users of `hubbub acl` may not do, however they try."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.exceptions import ResponseError

from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client, connect
from common.streams.permissions import DUTIES, user_of
from common.topology import POOLS
from tests.kit import MEETING, SHARDS
from tests.users import settings_as, take_refusals

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
HARMFUL = """\
FLUSHALL
FLUSHDB
CONFIG GET *
KEYS *
DEBUG SLEEP 0
ACL LIST
ACL SETUSER me
CLIENT KILL TYPE normal
CLIENT PAUSE 1
MONITOR
SHUTDOWN
REPLICAOF NO ONE
CLUSTER RESET
SCRIPT FLUSH
FUNCTION FLUSH
MODULE LIST
SWAPDB 0 1
PUBLISH a b
GET somebody-else
DEL hb:deployment"""
As = Callable[[str], Client]
TOKEN, LISTED = keys.token("0123456789abcdef"), keys.TOKENS
STREAMS = {stream: keys.stream(SHARD, stream) for stream in Stream}
WRITERS = {
    Stream.AUDIO: {"ingest"},
    Stream.SPEECH: {"vad"},
    Stream.WINDOWS: {"asr"},
    Stream.DEFERRED: {"emitter"},
    Stream.RESULTS: {"ingest", "vad", "emitter", "keyword", "sentiment", "gateway", "jobs"},
}
"""Besides operators, who put dead letters back."""


@pytest.fixture
async def logged_in(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[As]:
    """Clients by user; what they are refused is what was wanted here."""
    clients = {name: connect(settings_as(redis_settings, name)) for name in DUTIES}
    yield clients.__getitem__
    await take_refusals(redis)
    for client in clients.values():
        await client.aclose()


async def is_refused(answer: Awaitable[object]) -> bool:
    try:
        await answer
    except ResponseError as error:
        if re.search(r"permission|can't (access|run)", str(error)):
            return True
        raise
    return False


@pytest.mark.parametrize("name", DUTIES)
async def test_nobody_harms_the_server_or_leaves_the_keys_of_hubbub(redis: Client, name: str) -> None:
    for command in HARMFUL.splitlines():
        answer = await redis.execute_command("ACL DRYRUN", user_of(name), *command.split())
        assert b"permission" in answer, (command, answer)


@pytest.mark.parametrize("name", DUTIES)
async def test_only_those_who_let_others_in_read_tokens_and_only_operators_make_them(
    redis: Client, logged_in: As, name: str
) -> None:
    await redis.hset(TOKEN, "digest", "abc")
    readers = {"ingest", "gateway", "operator"}
    assert await is_refused(logged_in(name).hgetall(TOKEN)) == (name not in readers)
    assert await is_refused(logged_in(name).hset(TOKEN, "digest", "mine")) == (name != "operator")
    assert await is_refused(logged_in(name).zadd(LISTED, {"mine": 1})) == (name != "operator")
    assert await is_refused(logged_in(name).zrange(LISTED, 0, -1)) == (name != "operator")


@pytest.mark.parametrize("name", POOLS)
async def test_a_script_of_ones_own_reaches_no_further(redis: Client, logged_in: As, name: str) -> None:
    await redis.hset(TOKEN, "digest", "abc")
    client = logged_in(name)
    for text in (f"return redis.call('HSET', '{TOKEN}', 'a', 'b')", "return redis.call('FLUSHALL')"):
        digest = await client.script_load(text)
        key = next(iter(_own_key(name)))
        assert await is_refused(client.evalsha(digest, 1, key))
    assert await redis.hgetall(TOKEN) == {b"digest": b"abc"}


def _own_key(name: str) -> set[str]:
    """One that scripts of the pool may have."""
    return {"gateway": {keys.webhooks("agenda")}, "ingest": {STREAMS[Stream.AUDIO]}}.get(
        name, {keys.lease(SHARD, "highlights" if name == "jobs" else name)}
    )


@pytest.mark.parametrize("name", DUTIES)
async def test_to_a_stream_append_those_whose_work_it_is(logged_in: As, name: str) -> None:
    for stream, writers in WRITERS.items():
        answer = logged_in(name).xadd(STREAMS[stream], {"m": b"x"})
        assert await is_refused(answer) == (name not in {*writers, "operator"}), stream


@pytest.mark.parametrize("name", DUTIES)
async def test_secrets_of_webhooks_are_for_those_who_keep_and_sign_with_them(
    logged_in: As, name: str
) -> None:
    reads = logged_in(name).hgetall(keys.webhooks("subscriptions"))
    assert await is_refused(reads) == (name not in {"gateway", "jobs"})


@pytest.mark.parametrize("name", POOLS)
async def test_a_pool_takes_no_shard_of_another_and_passes_for_none(logged_in: As, name: str) -> None:
    client = logged_in(name)
    for other in {*POOLS} - {name}:
        assert await is_refused(client.hset(keys.process(other, "me"), "ready", "1"))
        assert await is_refused(client.zadd(keys.members(other), {"me": 1}))
        assert await is_refused(client.hset(keys.lease(SHARD, other), "owner", "me"))


@pytest.mark.parametrize("name", DUTIES)
async def test_what_was_administered_is_read_by_operators_and_changed_by_nobody(
    redis: Client, logged_in: As, name: str
) -> None:
    await redis.xadd(keys.AUDIT, {"actor": "a", "action": "b", "subject": "c"})
    assert await is_refused(logged_in(name).xrange(keys.AUDIT)) == (name != "operator")
    assert await is_refused(logged_in(name).xtrim(keys.AUDIT, maxlen=0))
    assert await is_refused(logged_in(name).delete(keys.AUDIT))
    assert await is_refused(logged_in(name).hset(keys.DEPLOYMENT, "shards", "1")) == (name != "operator")


async def test_a_reader_of_results_reads_results_and_takes_nothing(redis: Client, logged_in: As) -> None:
    stream = STREAMS[Stream.RESULTS]
    await redis.xgroup_create(stream, "keyword", id="0", mkstream=True)
    await redis.xadd(stream, {"type": "status", "meeting": "a/b", "data": "{}"})
    reader = logged_in("reader")
    assert len(await reader.xrange(stream)) == 1
    assert await is_refused(reader.xreadgroup("keyword", "owner", {stream: ">"}))
    assert await is_refused(reader.xack(stream, "keyword", "1-1"))
    assert await is_refused(reader.xgroup_create(stream, "mine", id="0"))
    assert await is_refused(reader.hgetall(keys.meeting(SHARD, MEETING)))
