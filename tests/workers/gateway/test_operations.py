"""What operators see of the whole deployment."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr
from scripted_meeting import MEETING, SHARDS

from common.identity import Meeting
from common.settings import AccessSettings, TokenSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.reports import ProcessReport, write_report
from common.streams.shortfall import read_shortfall
from common.tokens import Scope
from common.topology import LODGERS, ON_DEMAND, STAGES

pytestmark = pytest.mark.integration
SECRET = "a-token-of-acme-0123456789"


async def test_processes_owners_lag_and_dead_letters(
    redis: Client, gateway: httpx.AsyncClient, standup
) -> None:
    await write_report(
        redis, ProcessReport("vad", "m1", 7, "host", 1, 1_000, 2.5, 60_000_000, 9_000, level=2, headroom=-1.5)
    )
    await redis.hset(keys.lease(1, "vad"), "owner", "m1")
    await redis.xadd(keys.dead_letters(0), {"error": "x"})
    await redis.xadd(keys.stream(2, Stream.AUDIO), {"m": "x"})
    seen = (await gateway.get("/v1/operations")).json()
    overview = seen["overview"]
    assert seen["at_ms"] > 0
    assert [(p["pool"], p["pid"], p["headroom"]) for p in overview["processes"]] == [("vad", 7, -1.5)]
    stages = [*STAGES, *(stage for lodgers in LODGERS.values() for stage in lodgers)]
    assert overview["owners"] == {
        stage: {"1": "m1"} if stage == "vad" else {} for stage in stages if stage not in ON_DEMAND
    }
    assert [(g["shard"], g["lag"]) for g in overview["groups"] if g["stream"] == "audio" and g["lag"]] == [
        (2, 1)
    ]
    assert (overview["shards"], overview["dead_letters"]) == (SHARDS, 1)


async def test_many_watchers_of_a_moment_cost_one_look(redis: Client, gateway: httpx.AsyncClient) -> None:
    looks = {(await gateway.get("/v1/operations")).json()["at_ms"] for _ in range(3)}
    assert len(looks) <= 2


async def test_what_live_meetings_lack(redis: Client, log: AudioLog) -> None:
    ended = Meeting("default", "yesterday")
    for meeting in (MEETING, ended):
        await log.start_meeting(meeting, 1_000)
        for counter, ms in {"captured": 9_000, "heard": 7_000, "speech": 5_000, "transcribed": 4_500}.items():
            await log.tally(meeting, f"{counter}_samples", ms * 16)
        await log.tally(meeting, "gap_samples", 300 * 16)
        await log.tally(meeting, "deferred", 2)
    await log.end_meeting(ended, 2_000)
    live = await read_shortfall(redis, SHARDS)
    assert (live.counted, live.unheard_ms, live.untranscribed_ms) == (1, 2_000, 500)
    assert (live.gaps_ms, live.lost_ms, live.deferred) == (300, 0, 2)


async def test_a_token_is_asked_for(run_gateway) -> None:
    known = TokenSettings(tenant="acme", scopes=(Scope.READ, Scope.OPERATE), token=SecretStr(SECRET))
    async with run_gateway(access=AccessSettings(tokens=(known,))) as client:
        for path in ("/v1/operations", "/v1/pulse"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"Authorization": f"Bearer {SECRET}"})).status_code == 200


async def test_the_pulse_tells_of_what_comes_while_the_gateway_runs(
    redis: Client, gateway: httpx.AsyncClient, standup
) -> None:
    for _ in range(200):
        meetings = (await gateway.get("/v1/pulse")).json()["meetings"]
        if meetings and len(meetings[0]["talk"]) == 8:
            break
        await asyncio.sleep(0.02)
    assert [(m["meeting"], m["level"]) for m in meetings] == [("standup", 1)]
    assert len(meetings[0]["talk"]) == 8
    assert meetings[0]["talk"][0]["speaker"]["name"] == "Ann Abel"
    for names, told in (("nowhere,standup", meetings), ("nowhere", [])):
        named = await gateway.get("/v1/pulse", params={"meetings": names})
        assert named.json()["meetings"] == told
