"""Entries that no stage could process: put aside, seen, given to their stage again, thrown away."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import msgpack
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from common.commands.dead import dead
from common.messages import SpeechChunk, pack
from common.results import Status, Transcript
from common.settings import RedisSettings
from common.stage import Acknowledge, Append, Entry, Step, Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.dead_letters import list_dead, retry_dead
from common.streams.deployment import join_deployment
from tests.golden.specimens import RESULTS
from tests.kit import MEETING, SHARDS, TRACK, PairingStage, chunk, eventually, working
from tests.users import client_as, url_as

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
RESULT_STREAM = keys.stream(SHARD, Stream.RESULTS)


@pytest.fixture
def redis_settings(valkey_url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(valkey_url))


@pytest.fixture
async def audio(redis: Client) -> AudioLog:
    await join_deployment(redis, SHARDS)
    log = AudioLog(redis, SHARDS, backlog_limit=10_000)
    await log.start_meeting(MEETING, 1_000)
    return log


@pytest.fixture
async def operator(redis_settings: RedisSettings) -> AsyncIterator[Client]:
    async with client_as(redis_settings, "operator") as client:
        yield client


@dataclass
class Echo:
    """Answers every transcript with a status that names it, except those it cannot take."""

    name: str
    chokes_on: str = ""
    inputs: tuple[Stream, ...] = (Stream.RESULTS,)
    seen: list[str] = field(default_factory=list)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        said = [entry.message for entry in entries if isinstance(entry.message, Transcript)]
        if self.chokes_on in {transcript.text for transcript in said}:
            raise ValueError("indigestible")
        self.seen += [transcript.text for transcript in said]
        answers = [replace(GAP, id=f"{self.name}/{transcript.text}") for transcript in said]
        effects = [Append(entries[0].id.shard, Stream.RESULTS, answer) for answer in answers]
        return Step([*effects, *(Acknowledge(entry.id) for entry in entries)])

    def release(self, shard: int) -> None:
        """No state to forget."""


GAP = replace(RESULTS["status"], tenant=MEETING.tenant, meeting=MEETING.id)
assert isinstance(GAP, Status)


def said(text: str) -> Transcript:
    transcript = RESULTS["transcript"]
    assert isinstance(transcript, Transcript)
    return replace(transcript, tenant=MEETING.tenant, meeting=MEETING.id, text=text, id=text)


async def ids(redis: Client) -> list[str]:
    return [json.loads(fields[b"data"])["id"] for _, fields in await redis.xrange(RESULT_STREAM)]


async def letters(redis: Client, count: int) -> None:
    async def holds() -> object:
        found = await list_dead(redis, SHARDS)
        return len(found) == count or found

    await eventually(f"{count} dead letters", holds, 30)


async def test_a_result_tried_again_reaches_only_its_stage_and_no_reader_twice(
    redis: Client, audio: AudioLog, operator: Client
) -> None:
    stage, bystander = Echo("keyword", chokes_on="two"), Echo("sentiment")
    async with working(redis, stage, "first"), working(redis, bystander, "other"):
        for text in ("one", "two", "three"):
            await audio.publish(said(text))
        await letters(redis, 1)
        await eventually("the others answered", lambda: _seen(stage, ["one", "three"]), 30)
        stage.chokes_on = ""
        (letter,) = await list_dead(redis, SHARDS)
        assert await retry_dead(operator, letter) == "OK"
        await eventually("the third answered", lambda: _seen(stage, ["one", "three", "two"]), 30)

        async def answered() -> object:
            found = await ids(redis)
            return "keyword/two" in found or found

        await eventually("its answer is there", answered, 30)
    found = await ids(redis)
    assert sorted(found) == sorted(set(found))
    assert bystander.seen == ["one", "two", "three"]
    assert (await redis.xpending(RESULT_STREAM, "keyword"))["pending"] == 0


@dataclass
class Listener:
    """Notes which pieces of speech it was given; cannot take the second until it is well."""

    name: str
    well: bool = True
    inputs: tuple[Stream, ...] = (Stream.SPEECH,)
    seen: list[int] = field(default_factory=list)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        starts = [entry.message.start for entry in entries if isinstance(entry.message, SpeechChunk)]
        if not self.well and 1 in starts:
            raise ValueError("indigestible")
        self.seen += starts
        return Step([Acknowledge(entry.id) for entry in entries])

    def release(self, shard: int) -> None:
        """No state to forget."""


async def speak(redis: Client, start: int) -> None:
    piece = SpeechChunk(TRACK, "u", start, start, start, 1_000, b"")
    await redis.xadd(keys.stream(SHARD, Stream.SPEECH), {"m": pack(piece)})


@pytest.mark.usefixtures("audio")
async def test_speech_tried_again_comes_last_and_only_to_its_stage(redis: Client, operator: Client) -> None:
    stage, other = Listener("keyword", well=False), Listener("sentiment")
    async with working(redis, stage, "first"), working(redis, other, "second"):
        for start in range(4):
            await speak(redis, start)
        await letters(redis, 1)
        await eventually("the rest taken", lambda: _seen(stage, [0, 2, 3]), 30)
        stage.well = True
        (letter,) = await list_dead(redis, SHARDS)
        assert [await retry_dead(operator, letter) for _ in range(2)] == ["OK", "GONE"]
        await speak(redis, 4)
        await eventually("the failed one behind", lambda: _seen(stage, [0, 2, 3, 1, 4]), 30)
        await eventually("the other one's own", lambda: _seen(other, [0, 1, 2, 3, 4]), 30)


async def test_a_result_that_is_kept_no_longer_stays_a_dead_letter(redis: Client, audio: AudioLog) -> None:
    async with working(redis, Echo("keyword", chokes_on="one"), "first"):
        await audio.publish(said("one"))
        await letters(redis, 1)
    await redis.xtrim(RESULT_STREAM, 0)
    (letter,) = await list_dead(redis, SHARDS)
    assert await retry_dead(redis, letter) == "TRIMMED"
    assert await list_dead(redis, SHARDS) == [letter]


async def test_an_entry_of_another_version_is_put_aside_with_both_versions(
    redis: Client, audio: AudioLog
) -> None:
    _, *rest = msgpack.unpackb(pack(chunk(0)))
    async with working(redis, PairingStage(), "first"):
        await redis.xadd(keys.stream(SHARD, Stream.AUDIO), {"m": msgpack.packb([2, *rest])})
        await letters(redis, 1)
    (letter,) = await list_dead(redis, SHARDS)
    assert letter.error == "message version 2: this process reads 1"


async def run(valkey_url: str, *args: str, stdin: str = "") -> tuple[int, str]:
    url = url_as(valkey_url, "operator")
    result = await asyncio.to_thread(
        CliRunner().invoke, dead, [*args, "--redis", url], input=stdin, catch_exceptions=False
    )
    return result.exit_code, result.output


async def test_the_command_lists_chooses_and_asks_before_it_throws_away(
    redis: Client, audio: AudioLog, valkey_url: str
) -> None:
    async with working(redis, PairingStage(), "first"):
        for junk in (b"junk", msgpack.packb([2])):
            await redis.xadd(keys.stream(SHARD, Stream.AUDIO), {"m": junk})
        await letters(redis, 2)
    listed = [json.loads(line) for line in (await run(valkey_url, "list", "--json"))[1].splitlines()]
    assert [(entry["stage"], entry["stream"]) for entry in listed] == [("vad", "audio")] * 2
    assert (await run(valkey_url, "list", "--stage", "asr")) == (0, "")
    assert "version 2" in (await run(valkey_url, "list", "--error", "version"))[1]
    assert (await run(valkey_url, "drop", stdin="n\n"))[0] == 1
    assert len(await list_dead(redis, SHARDS)) == 2
    code, output = await run(valkey_url, "drop", "--error", "version", stdin="y\n")
    assert (code, output.splitlines()[-1]) == (0, "1 thrown away")
    assert await run(valkey_url, "retry", "--id", listed[0]["id"]) == (0, "1 put back\n")
    assert await list_dead(redis, SHARDS) == []


async def _seen(stage: Echo | Listener, wanted: Sequence[str | int]) -> object:
    return stage.seen == wanted or list(stage.seen)
