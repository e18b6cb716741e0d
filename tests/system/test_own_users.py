"""A whole system, each pool logged in as its own user of `hubbub acl`, with no right too few."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import orjson
import pytest

from common.settings import RedisSettings
from common.streams.client import Client
from common.topology import POOLS
from tests.system.kit import HUBBUB, READY_WITHIN_S, System, finals, play
from tests.users import url_as

pytestmark = pytest.mark.system
SETTINGS = {
    "HUBBUB_SHARDS": "4",
    "HUBBUB_EMITTER__QUALITY": "busy",
    "HUBBUB_INGEST__PORT": "0",
    "HUBBUB_GATEWAY__PORT": "0",
    "HUBBUB_LOG__FORMAT": "json",
    "HUBBUB_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
}


@pytest.fixture
def pools(redis: Client, redis_settings: RedisSettings, valkey_url: str, tmp_path: Path) -> Iterator[System]:
    """A process of each pool; looked at as an operator. RQ cannot keep its queues on a cluster."""
    url = redis_settings.url.get_secret_value()
    queues = url_as(valkey_url if url.startswith("redis+cluster") else url, "jobs")
    running = [
        started(pool, tmp_path / "log", url_as(url, pool), HUBBUB_JOBS__REDIS_URL=queues) for pool in POOLS
    ]
    try:
        yield _ready(url_as(url, "operator"), running, tmp_path / "log")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def started(pool: str, log: Path, url: str, **changes: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **SETTINGS, "HUBBUB_REDIS__URL": url, **changes}
    with log.open("ab") as output:
        return subprocess.Popen([HUBBUB, pool], stdout=output, stderr=output, env=environment)


def _ready(url: str, running: "list[subprocess.Popen[bytes]]", log: Path) -> System:
    system = System(ingest="", gateway="", redis=url)

    def all_ready() -> object:
        assert all(process.poll() is None for process in running), log.read_text()[-4000:]
        return {report.pool for report in system.reports() if report.ready} == {*POOLS}

    until("every pool is ready", all_ready, READY_WITHIN_S)
    urls = {report.pool: report.url for report in system.reports()}
    return System(urls["ingest"], urls["gateway"], url)


def until(what: str, holds: Callable[[], object], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while (seen := holds()) is not True:
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s; last seen {seen!r}"
        time.sleep(0.2)


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """Where webhooks are taken: its address, and the types of what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(orjson.loads(body)["type"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()


def command(system: System, *arguments: str) -> str:
    """What an operator is told."""
    done = subprocess.run(
        [HUBBUB, *arguments, "--redis", system.redis], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_lacks_a_right_says_so_in_one_line_and_ends(valkey_url: str, tmp_path: Path) -> None:
    url = url_as(valkey_url, "reader")
    assert started("vad", tmp_path / "log", url).wait(60) == 1
    said = [line for line in (tmp_path / "log").read_text().splitlines() if '"event": "failed"' in line]
    assert "hubbub acl" in said[0]
    done = subprocess.run([HUBBUB, "status", "--redis", url], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hubbub acl" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_every_pool_does_its_work_with_the_rights_of_its_own(pools: System, clip: Path) -> None:
    """That the server refused nobody anything is looked at when `redis` closes."""
    with httpx.Client(base_url=pools.gateway, timeout=20) as web, receiver() as (address, came):
        wanted = {"url": address, "events": ["transcript.final"]}
        assert web.post("/v1/webhooks", json=wanted).status_code == 201
        assert play(pools, [clip], "live", "--format", "meetstream").wait(120) == 0
        results = pools.finished("live-0")
        said = " ".join(final.text for final in finals(results)).lower()
        assert "wonderful news" in said
        assert {"activity", "transcript", "keyword", "sentiment"} <= {result.type for result in results}
        until("each final is delivered", lambda: came == ["transcript.final"] * len(finals(results)) or came)
        until("a report", lambda: web.get("/v1/meetings/live-0/report.md").status_code == 200)
        for path in ("/v1/meetings", "/v1/meetings/live-0/transcript.vtt", "/v1/operations", "/v1/pulse"):
            assert web.get(path).status_code == 200
        assert web.delete("/v1/meetings/live-0").status_code == 202
        assert web.get("/v1/meetings/live-0").status_code == 404
    _administer(pools)


def _administer(pools: System) -> None:
    assert orjson.loads(command(pools, "status", "--json"))["shards"] == 4
    assert command(pools, "dead", "list") == ""
    assert "vad" in command(pools, "pools", "list")
    assert command(pools, "token", "create", "--scope", "read").startswith("hubbub_")
    assert "token.create" in command(pools, "audit")
