"""SIGKILL to the process that delivers, again and again: every result arrives, under one key."""

import asyncio
import os
import random
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from conftest import SHARDS, final
from receivers import Receiver, Request, receiving, say, say_ok

from tests.kit import eventually
from tests.system.kit import HUBBUB
from tests.users import url_as

pytestmark = [pytest.mark.integration, pytest.mark.system]
RESULTS = 240
KILLS = 3


@contextmanager
def jobs_process(url: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`hubbub jobs`, killed without warning when the context is left."""
    settings = {
        "HUBBUB_REDIS__URL": url_as(url, "jobs"),
        "HUBBUB_REDIS__LEASE_MS": "1000",
        "HUBBUB_SHARDS": str(SHARDS),
        "HUBBUB_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "HUBBUB_WEBHOOKS__TIMEOUT_S": "1.5",
        "HUBBUB_WEBHOOKS__RETRY_MIN_S": "0.1",
        "HUBBUB_WEBHOOKS__RETRY_MAX_S": "0.5",
        "HUBBUB_WEBHOOKS__MAX_ATTEMPTS": "50",
    }
    with log.open("ab") as errors:
        process = subprocess.Popen([HUBBUB, "jobs"], stderr=errors, env={**os.environ, **settings})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def late_or_failing(request: Request, writer: asyncio.StreamWriter) -> None:
    """Late now and then, sometimes too late; sometimes it has the result and answers an error."""
    roll = random.random()
    await asyncio.sleep(2.5 if roll < 0.02 else roll * 0.2)
    await (say(500) if roll > 0.9 else say_ok)(request, writer)


async def received(receiver: Receiver, count: int) -> object:
    seen = len(set(receiver.ids()))
    return seen >= count or seen


async def test_no_webhook_is_lost_by_a_killed_process(
    valkey_url, publish, subscribe, ledger, tmp_path: Path
) -> None:
    async def speak() -> None:
        for number in range(RESULTS):
            await publish(final(number, meeting=f"m{number % 7}"))
            await asyncio.sleep(0.03)

    async with receiving(late_or_failing) as receiver:
        subscription = await subscribe(receiver.url)
        speaking = asyncio.create_task(speak())
        for kill in range(1, KILLS + 1):
            with jobs_process(valkey_url, tmp_path / "log"):
                wanted = kill * RESULTS // (KILLS + 2)
                await eventually("in the middle", lambda n=wanted: received(receiver, n), 120)
        with jobs_process(valkey_url, tmp_path / "log"):
            await speaking
            await eventually("all arrived", lambda: received(receiver, RESULTS), 120)

            async def is_settled() -> object:
                standing = await ledger.standing(subscription.id)
                return standing.delivered == RESULTS or standing

            await eventually("all settled", is_settled, 120)
    keys = defaultdict(set)
    for request in receiver.requests:
        keys[orjson.loads(request.body)["data"]["utterance"]].add(request.id)
    assert keys.keys() == {f"u{number}" for number in range(RESULTS)}
    assert all(len(ids) == 1 for ids in keys.values())


async def test_a_drained_process_finishes_its_requests(
    valkey_url, publish, subscribe, ledger, tmp_path: Path
) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        await say_ok(request, writer)

    async with receiving(slow) as receiver:
        subscription = await subscribe(receiver.url)
        with jobs_process(valkey_url, tmp_path / "log") as process:
            await publish(final(1))
            await eventually("under way", lambda: received(receiver, 1), 120)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 60) == 0, (tmp_path / "log").read_text()
        (delivered,) = await ledger.page(subscription.id, state="delivered", after="", limit=5)
    assert [attempt.status for attempt in delivered.attempts] == [200]
    assert len(receiver.requests) == 1
