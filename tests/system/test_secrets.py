"""What real processes write while tokens come in by every way: no secret is in it."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import orjson
import pytest
import websockets
from websockets.asyncio.client import connect

from common.tokens import new_text
from tests.system.kit import HUBBUB

pytestmark = pytest.mark.system
CONFIGURED, WRONG = "configured-" + "0123456789abcdef", "wrong-" + "0123456789abcdef"


@contextmanager
def process(pool: str, log: Path, **environment: str) -> Iterator[str]:
    """One process of a pool, at work; yields where it serves."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            [str(HUBBUB), pool], stdout=output, stderr=output, env={**os.environ, **environment}
        )
        try:
            yield _address(running, log)
        finally:
            running.terminate()
            running.wait(60)


def _address(running: "subprocess.Popen[bytes]", log: Path) -> str:
    for _ in range(600):
        if found := re.search(r'"url": "(\S+)", "event": "ready"', log.read_text()):
            return found[1]
        assert running.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(f"not ready: {log.read_text()}")


def test_no_secret_is_logged(valkey_url: str, tmp_path: Path) -> None:
    tokens = [{"scopes": ["ingest", "read"], "token": CONFIGURED}]
    environment = {
        "HUBBUB_REDIS__URL": valkey_url,
        "HUBBUB_ACCESS__TOKENS": orjson.dumps(tokens).decode(),
        "HUBBUB_LOG__LEVEL": "debug",
        "HUBBUB_LOG__FORMAT": "json",
        "HUBBUB_INGEST__PORT": "0",
        "HUBBUB_GATEWAY__PORT": "0",
    }
    made = _make_token(environment)
    with (
        process("ingest", tmp_path / "ingest", **environment) as ingest,
        process("gateway", tmp_path / "gateway", **environment) as gateway,
    ):
        for token in (CONFIGURED, WRONG, made, new_text()):
            asyncio.run(_send_and_read(ingest, gateway, token))
        with suppress(httpx.HTTPError):
            httpx.get(f"{gateway}/v1/meetings?access_token={WRONG}&limit=none%0d%0a", timeout=10)
    written = (tmp_path / "ingest").read_text() + (tmp_path / "gateway").read_text()
    assert "denied" in written
    for secret in (CONFIGURED, WRONG, made):
        assert secret not in written
        assert secret.removeprefix("hubbub_") not in written
    refused = subprocess.run(
        [str(HUBBUB), "status", "--redis", f"redis://u:{WRONG}@127.0.0.1:1"],
        capture_output=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert refused.returncode == 1
    assert WRONG.encode() not in refused.stdout + refused.stderr


def _make_token(environment: dict[str, str]) -> str:
    made = subprocess.run(
        [str(HUBBUB), "token", "create", "--scope", "ingest", "--scope", "read"],
        capture_output=True, check=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    return made.stdout.strip()


async def _send_and_read(ingest: str, gateway: str, token: str) -> None:
    """With the token in the header, the query and the path; and with bad input after each."""
    bearer = {"Authorization": f"Bearer {token}"}
    query = f"?access_token={token}"
    addresses = [
        (f"{ingest}/v1/meetings/weekly/audio", bearer),
        (f"{ingest}/v1/meetings/weekly/audio{query}", {}),
        (f"{ingest}/v1/meetstream/audio/{token}", {}),
        (f"{ingest}/b-1/v1/meetstream/control/{token}", {}),
        (f"{ingest}/nowhere/{token}", {}),
        (f"{gateway.replace('http', 'ws', 1)}/v1/meetings/nowhere/live{query}", {}),
    ]
    for address, headers in addresses:
        with suppress(websockets.WebSocketException):
            async with connect(address, additional_headers=headers) as socket:
                await socket.send("no JSON")
                await asyncio.wait_for(socket.recv(), 10)
    async with httpx.AsyncClient(timeout=10) as client:
        await client.get(f"{gateway}/v1/meetings/nowhere{query}")
        await client.get(f"{gateway}/v1/meetings", headers=bearer)
        await client.post(f"{ingest.replace('ws', 'http', 1)}/v1/meetings/a b/audio{query}", content=b"x")
