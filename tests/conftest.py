"""Servers that tests own. Each test process has its own embedded Valkey, empty at each test."""

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from common.embedded import embedded_redis
from common.settings import RedisSettings
from common.streams.client import Client, connect
from tests.cluster.servers import cluster
from tests.users import admit, take_refusals

hypothesis_settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("shared-machine")

SPEECH = Path(__file__).parents[2] / "shared" / "speech"


@pytest.fixture(autouse=True)
def unconfigured_logs() -> Iterator[None]:
    """A test that sets up logging of a process leaves nothing of it to the next."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with embedded_redis() as url:
        admit(url)
        yield url


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's redis-server: skipped on a laptop without it, required in CI."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        _until_listening(port, process)
        url = f"redis://127.0.0.1:{port}/0"
        admit(url)
        yield url
        process.terminate()


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    with cluster() as nodes:
        admit(*(f"redis://127.0.0.1:{node.port}" for node in nodes.nodes))
        yield nodes.url


@pytest.fixture(
    params=[
        "valkey_url",
        pytest.param("redis_server_url", marks=pytest.mark.redis_server),
        pytest.param("cluster_url", marks=pytest.mark.cluster),
    ]
)
def redis_settings(request: pytest.FixtureRequest) -> RedisSettings:
    return RedisSettings(url=SecretStr(request.getfixturevalue(request.param)))


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Client]:
    """As administrator. Whatever other users do meanwhile, the server must refuse them nothing."""
    client = connect(redis_settings)
    await client.flushall()
    await take_refusals(client)
    yield client
    refused = await take_refusals(client)
    await client.flushall()
    await client.aclose()
    assert refused == []


@pytest.fixture(scope="session")
def speech_collection() -> Path:
    """Real speech beside the project, for measuring; never part of it."""
    if not SPEECH.is_dir():
        pytest.skip("the speech collection is not beside this clone")
    return SPEECH


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail(f"redis-server ended with status {process.returncode}")
