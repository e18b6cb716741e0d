import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from live_readers import read_events
from scripted_meeting import SHARDS, meeting_results

from common.ports import reserved_port
from common.streams.client import Client
from common.streams.reports import ProcessReport, read_reports
from tests.kit import eventually

pytestmark = pytest.mark.integration

READERS = 12
PATH = "/v1/meetings/standup/events"


@contextmanager
def gateway_process(redis_url: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "HUBBUB_REDIS__URL": redis_url,
        "HUBBUB_SHARDS": str(SHARDS),
        "HUBBUB_GATEWAY__PORT": str(port),
        "HUBBUB_GATEWAY__SHARE_PORT": "true",
    }
    command = [sys.executable, "-m", "common", "gateway"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


async def follow(url: str, seen: list[str], count: int) -> None:
    """Read, and come back after every end of the connection, until so many results are there."""
    after = ""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        while len(seen) < count:
            try:
                async for event in read_events(client, PATH, after):
                    after = event.id or after
                    if event.type and event.data.get("id"):
                        seen.append(event.data["id"])
                    if len(seen) == count:
                        return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def readers_of(report: ProcessReport) -> int:
    async with httpx.AsyncClient() as client:
        figures = (await client.get(f"http://127.0.0.1:{report.metrics_port}/metrics")).text
    return int(float(re.search(r"^hubbub_gateway_readers (.+)$", figures, re.MULTILINE)[1]))


async def test_readers_of_a_killed_process_go_on_at_another(redis: Client, valkey_url: str, publish) -> None:
    script = meeting_results()
    await publish(script[:20])
    with ExitStack() as running, reserved_port("127.0.0.1", 0) as port:
        processes = [running.enter_context(gateway_process(valkey_url, port)) for _ in range(2)]

        async def ready() -> object:
            reports = [r for r in await read_reports(redis) if r.ready]
            return len(reports) == 2 or reports

        await eventually("both serve", ready, within_s=60)
        seen: list[list[str]] = [[] for _ in range(READERS)]
        wanted = len(script) + 1  # with the announcement of the meeting
        url = f"http://127.0.0.1:{port}"
        reading = [asyncio.create_task(follow(url, ids, wanted)) for ids in seen]
        reports = await read_reports(redis)

        async def shared() -> object:
            counts = [await readers_of(report) for report in reports]
            return (sum(counts) == READERS and min(counts) > 0) or counts

        await eventually("both have readers", shared, within_s=60)
        await publish(script[20:40])
        processes[0].kill()
        await publish(script[40:])
        async with asyncio.timeout(60):
            await asyncio.gather(*reading)
    assert all(ids[1:] == [r.id for r in script] for ids in seen)
