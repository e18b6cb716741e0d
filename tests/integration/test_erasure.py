"""A deleted meeting leaves nothing on the server, and its neighbours on the shard feel nothing of it."""

from collections.abc import AsyncIterator

import pytest

from common.clock import unix_ms
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, pack
from common.results import Transcript
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import erasure, keys
from common.streams.audio_log import AudioLog
from common.streams.bots import Bot, BotLog
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger
from common.streams.deployment import join_deployment
from common.streams.erasure import Erasure
from common.streams.live_meetings import LiveMeetings
from common.streams.result_log import ResultLog
from common.streams.retention import expire
from common.streams.subscriptions import SubscriptionStore
from common.topology import ON_DEMAND, READERS
from common.webhooks import Delivery, Subscription
from tests.kit import MEETING, SHARDS
from tests.search import keys_with
from tests.users import client_as

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
NEIGHBOUR = next(
    m for n in range(200) if (m := Meeting(MEETING.tenant, f"{MEETING.id}{n}")).shard(SHARDS) == SHARD
)
SECRET, HARMLESS = "the merger is on friday", "lunch is at noon"


@pytest.fixture
async def log(redis: Client) -> AudioLog:
    await join_deployment(redis, SHARDS)
    return AudioLog(redis, SHARDS, backlog_limit=10_000)


@pytest.fixture(params=["gateway", "jobs"])
async def eraser(
    redis: Client, redis_settings: RedisSettings, request: pytest.FixtureRequest
) -> AsyncIterator[Client]:
    """With the rights of those who delete meetings."""
    async with client_as(redis_settings, request.param) as client:
        yield client


@pytest.fixture
async def keeper(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[Client]:
    """With the rights of those who keep nothing for too long."""
    async with client_as(redis_settings, "jobs") as client:
        yield client


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing new comes of a meeting that is being deleted."""
    monkeypatch.setattr(erasure, "QUIET_MS", 0)


def final(meeting: Meeting, text: str, number: int) -> Transcript:
    track = Track(meeting, "ann", Speaker("ann", "Ann"))
    return Transcript(
        id=f"{track.utterance_id(number)}/final",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="ann",
        speaker=track.speaker,
        start_ms=0,
        end_ms=1,
        utterance=track.utterance_id(number),
        status="final",
        text=text,
        stable=text,
    )


async def leave_traces(redis: Client, log: AudioLog, meeting: Meeting, text: str) -> None:
    """Everywhere where a meeting leaves them."""
    track = Track(meeting, "ann", Speaker("ann", "Ann"))
    chunk = AudioChunk(track, 0, unix_ms(), bytes(3_200))
    await log.start_meeting(meeting, unix_ms())
    await log.append([chunk])
    for number in range(3):
        await log.publish(final(meeting, text, number))
    await redis.xadd(keys.stream(SHARD, Stream.DEFERRED), {"m": pack(chunk)})
    dead = {"stage": "vad", "stream": "audio", "error": "boom", "entry": "1-1", "field:m": pack(chunk)}
    await redis.xadd(keys.dead_letters(SHARD), dead)
    await redis.hset(keys.watermarks(SHARD, "vad"), track.key, 1_600)
    await redis.hset(keys.watermarks(SHARD, "keyword"), f"{track.utterance_id(0)}/next-slide", 1)
    await BotLog(redis, SHARDS).claim(Bot(meeting=meeting, id="", name="Notes", request="r", asked_at_ms=1))
    await BotLog(redis, SHARDS).hold_control(meeting, "this-process")
    await LiveMeetings(redis, 60_000).enter(meeting, 9)
    delivery = Delivery(
        id=f"d-{meeting.id}", event="transcript.final", meeting=meeting.id, shard=SHARD, entry="1-1",
        made_at_ms=1, since_ms=1,
    )  # fmt: skip
    await DeliveryLedger(redis).record([("hook", delivery)], most_waiting=9)


async def subscribe(redis: Client) -> None:
    hook = Subscription(
        id="hook", tenant=MEETING.tenant, url="https://a.example", created_at_ms=1, secret="whsec_x"
    )
    await SubscriptionStore(redis).create(hook, most=9)


async def read_all(redis: Client, *, but: tuple[str, ...] = ()) -> None:
    """Every group has read and acknowledged everything; audio is cut, as its owner does."""
    for stream, groups in READERS.items():
        name = keys.stream(SHARD, stream)
        for group in set(groups).difference(but, ON_DEMAND):
            found = await redis.xreadgroup(group, "owner", {name: ">"}, count=1000)
            for _, entries in found:
                await redis.xack(name, group, *(entry_id for entry_id, _ in entries))
    for stream in (Stream.AUDIO, Stream.SPEECH, Stream.WINDOWS):
        await redis.xtrim(keys.stream(SHARD, stream), maxlen=0)


async def lags(redis: Client) -> dict[str, int | None]:
    infos = await redis.xinfo_groups(keys.stream(SHARD, Stream.RESULTS))
    return {info["name"].decode(): info["lag"] for info in infos}


async def test_nothing_is_left_of_it_and_everything_of_its_neighbour(
    redis: Client, log: AudioLog, at_once: None, eraser: Client
) -> None:
    await subscribe(redis)
    await leave_traces(redis, log, NEIGHBOUR, HARMLESS)
    before = await keys_with(redis, NEIGHBOUR.id, HARMLESS)
    await leave_traces(redis, log, MEETING, SECRET)
    await leave_traces(redis, log, NEIGHBOUR, HARMLESS)
    await read_all(redis)
    digest = Track(MEETING, "ann", Speaker("ann", "Ann")).utterance_id(0).partition("-")[0]
    assert await keys_with(redis, f"{MEETING.tenant}/{MEETING.id}/", SECRET, digest)

    deletion = Erasure(eraser, SHARDS)
    assert await deletion.begin(MEETING)
    assert await ResultLog(redis, SHARDS).meeting(MEETING) is None
    assert await deletion.under_way() == [MEETING]
    await read_all(redis)  # the end of the meeting, which its readers are told
    assert await deletion.advance(MEETING)
    assert await deletion.under_way() == []
    for part in (SECRET, digest, f'"{MEETING.id}"', f"{MEETING.tenant}/{MEETING.id}/", f"d-{MEETING.id}"):
        left = await keys_with(redis, part)
        assert not {key: found for key, found in left.items() if part != f"d-{MEETING.id}"}
    names = [key.decode() async for key in redis.scan_iter() if key.decode().endswith(f"/{MEETING.id}")]
    assert names == []
    after = await keys_with(redis, NEIGHBOUR.id, HARMLESS)
    assert {t: set(k) - {keys.stream(SHARD, Stream.AUDIO)} for t, k in before.items()} == {
        t: set(k) for t, k in after.items()
    }
    kept = await ResultLog(redis, SHARDS).history(NEIGHBOUR)
    assert [r.decoded().text for r in kept if r.type == "transcript"] == [HARMLESS] * 6  # type: ignore[union-attr]


async def test_the_lag_of_every_group_stays_known_and_right(
    redis: Client, log: AudioLog, eraser: Client
) -> None:
    await log.start_meeting(MEETING, unix_ms())
    for number in range(10):
        await log.publish(final((NEIGHBOUR, MEETING)[number % 2], SECRET, number))
    await read_all(redis, but=("sentiment",))
    await redis.xreadgroup("sentiment", "owner", {keys.stream(SHARD, Stream.RESULTS): ">"}, count=5)
    before = await lags(redis)
    deletion = Erasure(eraser, SHARDS)
    assert await deletion.begin(MEETING)
    await deletion.advance(MEETING)  # one group has yet to read some of it, which stays
    announced = 1
    assert before == {group: 6 if group == "sentiment" else 0 for group in before}
    assert await lags(redis) == {group: lag + announced for group, lag in before.items() if lag is not None}
    assert len(await ResultLog(redis, SHARDS).history(MEETING)) == 5
    await read_all(redis)
    await deletion.advance(MEETING)
    assert len(await ResultLog(redis, SHARDS).history(MEETING)) == 1  # the last one that was read
    await log.publish(final(NEIGHBOUR, HARMLESS, 99))
    assert set((await lags(redis)).values()) == {1}
    await read_all(redis)
    await deletion.advance(MEETING)
    assert await ResultLog(redis, SHARDS).history(MEETING) == []
    assert set((await lags(redis)).values()) == {0}
    await log.publish(final(NEIGHBOUR, HARMLESS, 100))
    assert set((await lags(redis)).values()) == {1}
    assert len(await ResultLog(redis, SHARDS).history(NEIGHBOUR)) == 7


async def test_what_the_stages_had_in_hand_goes_in_a_later_round(
    redis: Client, log: AudioLog, at_once: None, eraser: Client
) -> None:
    await leave_traces(redis, log, MEETING, SECRET)
    deletion = Erasure(eraser, SHARDS)
    assert await deletion.begin(MEETING)
    assert not await deletion.advance(MEETING)  # its audio is yet to be worked on
    await log.publish(final(MEETING, SECRET, 7))  # what came of it
    await log.tally(MEETING, "gap_samples", 9)
    await read_all(redis)
    assert await deletion.advance(MEETING)
    assert await keys_with(redis, SECRET, f"{MEETING.tenant}/{MEETING.id}") == {}


async def test_it_takes_no_more_audio_until_it_is_gone(redis: Client, log: AudioLog, eraser: Client) -> None:
    await log.start_meeting(MEETING, unix_ms())
    deletion = Erasure(eraser, SHARDS)
    assert await deletion.begin(MEETING)
    assert (await log.start_meeting(MEETING, unix_ms())).ended
    assert await ResultLog(redis, SHARDS).meeting(MEETING) is None
    assert not await deletion.advance(MEETING)  # something may still come


async def test_an_unknown_meeting_cannot_be_deleted(redis: Client, log: AudioLog) -> None:
    assert not await Erasure(redis, SHARDS).begin(MEETING)
    assert await Erasure(redis, SHARDS).under_way() == []


async def test_retention_leaves_nothing_of_an_old_meeting(
    redis: Client, log: AudioLog, keeper: Client
) -> None:
    await subscribe(redis)
    await leave_traces(redis, log, MEETING, SECRET)
    await read_all(redis)
    await redis.xtrim(keys.stream(SHARD, Stream.DEFERRED), maxlen=0)  # given up by age
    later_ms = unix_ms() + 7_200_000
    await expire(keeper, RedisSettings(results_retention_s=3600), shards=SHARDS, now_ms=later_ms)
    digest = Track(MEETING, "ann", Speaker("ann", "Ann")).utterance_id(0).partition("-")[0]
    assert await keys_with(redis, MEETING.id, SECRET, digest) == {}
