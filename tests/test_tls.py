"""TLS at our sockets and to Redis, with certificates of a little authority of the test's own."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import InvalidMessage

import common.tls
from common.errors import SettingsError
from common.ports import free_port
from common.service import Main, Service
from common.settings import GatewaySettings, IngestSettings, RedisSettings, Settings
from common.streams.client import connect
from common.streams.wire import Wire
from common.tls import Certificate
from ingest.app import serve as serve_ingest
from tests.kit import SHARDS, eventually
from workers.gateway.app import serve as serve_gateway

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Authority:
    """A certificate authority that signs for this machine."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate and its key."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        extension = self.folder / "extension"
        extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
        request = self.folder / f"{name}.csr"
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}"
        )
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
            "-CAcreateserial", "-out", cert, "-days", "2", "-extfile", extension,
        )  # fmt: skip
        return cert, key

    def context(self) -> ssl.SSLContext:
        """What a client trusts."""
        return ssl.create_default_context(cafile=str(self.ca))


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test authority",
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
    )  # fmt: skip
    return Authority(folder)


class Process(Service):
    """Hears where it serves."""

    url = ""

    def ready(self, url: str = "") -> None:
        super().ready(url)
        self.url = url


@asynccontextmanager
async def serving(pool: str, main: Main, settings: Settings) -> AsyncIterator[Process]:
    service = Process(pool, settings)
    work = asyncio.create_task(main(settings, service))
    try:
        await eventually(f"{pool} is ready", lambda: _ready(service, work))
        yield service
        service.stop()
        await asyncio.wait_for(work, 20)
    finally:
        work.cancel()
        await service.redis.aclose()


async def _ready(service: Process, work: asyncio.Task[None]) -> bool:
    if work.done():
        work.result()
    return bool(service.url)


async def test_ingest_and_the_gateway_speak_tls(valkey_url: str, authority: Authority) -> None:
    cert, key = authority.issue("servers")
    settings = Settings(
        shards=SHARDS,
        redis=RedisSettings(url=SecretStr(valkey_url)),
        ingest=IngestSettings(port=0, tls_cert=cert, tls_key=key),
        gateway=GatewaySettings(port=0, tls_cert=cert, tls_key=key),
    )
    async with serving("ingest", serve_ingest, settings) as ingest:
        assert ingest.url.startswith("wss://")
        url = f"{ingest.url}/v1/meetings/weekly/audio"
        async with connect_socket(url, ssl=authority.context()):
            pass
        with pytest.raises(InvalidMessage):
            await connect_socket(url.replace("wss", "ws", 1))
    async with serving("gateway", serve_gateway, settings) as gateway:
        async with httpx.AsyncClient(verify=authority.context(), base_url=gateway.url) as client:
            assert (await client.get("/v1/meetings")).status_code == 200
        async with httpx.AsyncClient(base_url=gateway.url) as distrustful:
            with pytest.raises(httpx.ConnectError):
                await distrustful.get("/healthz")


async def test_a_renewed_certificate_is_in_force_without_a_restart(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common.tls, "LOOK_S", 0.05)
    cert, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    for source, target in zip(authority.issue("old"), (cert, key), strict=True):
        shutil.copyfile(source, target)
    certificate = Certificate.load(IngestSettings(tls_cert=cert, tls_key=key), "ingest")
    assert certificate is not None
    server = await asyncio.start_server(_hang_up, "127.0.0.1", 0, ssl=certificate.context)
    port = server.sockets[0].getsockname()[1]
    watching = asyncio.create_task(certificate.run())
    assert await _common_name(port, authority) == "old"
    cert.write_text("half of a certi")
    await asyncio.sleep(0.2)
    assert await _common_name(port, authority) == "old"
    for source, target in zip(authority.issue("new"), (cert, key), strict=True):
        shutil.copyfile(source, target)

    async def renewed() -> object:
        return await _common_name(port, authority) == "new"

    await eventually("the new certificate is in force", renewed)
    watching.cancel()
    server.close()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _common_name(port: int, authority: Authority) -> str:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.context())
    subject = dict(pair for part in writer.get_extra_info("peercert")["subject"] for pair in part)
    writer.close()
    return str(subject["commonName"])


def test_a_certificate_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.tls_cert=.*none\.pem"):
        Certificate.load(GatewaySettings(tls_cert=tmp_path / "none.pem"), "gateway")


@dataclass(frozen=True)
class TlsRedis:
    """A server that speaks nothing but TLS, and asks for the client's certificate."""

    port: int
    cert: Path
    key: Path


@pytest.fixture(scope="module")
def tls_redis(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    cert, key = authority.issue("redis")
    (folder / "conf").write_text(
        f"""
        port 0
        bind 127.0.0.1
        tls-port {port}
        tls-cert-file {cert}
        tls-key-file {key}
        tls-ca-cert-file {authority.ca}
        save ""
        dir {folder}
        user default off
        user hubbub on >secret ~* &* +@all
        """
    )
    with subprocess.Popen([binary, folder / "conf"], stdout=subprocess.DEVNULL) as process:
        yield TlsRedis(port, *authority.issue("client"))
        process.terminate()


@pytest.mark.redis_server
async def test_redis_is_reached_through_tls(authority: Authority, tls_redis: TlsRedis) -> None:
    port, cert, key = tls_redis.port, tls_redis.cert, tls_redis.key
    url = SecretStr(f"rediss://hubbub:secret@127.0.0.1:{port}/0")
    settings = RedisSettings(url=url, ca_file=authority.ca, cert_file=cert, key_file=key)
    redis = connect(settings)

    async def answers() -> object:
        try:
            return await redis.ping()
        except RedisError as error:
            return error

    await eventually("the server answers", answers)
    await redis.aclose()
    wire = Wire(settings)
    assert wire.ask([("PING",)]) == [b"PONG"]
    wire.close()
    for wrong in (
        RedisSettings(url=url, cert_file=cert, key_file=key),
        RedisSettings(url=url, ca_file=authority.ca),
        RedisSettings(url=SecretStr(f"redis://hubbub:secret@127.0.0.1:{port}/0")),
        RedisSettings(
            url=SecretStr(f"rediss://hubbub:wrong@127.0.0.1:{port}/0"),
            ca_file=authority.ca, cert_file=cert, key_file=key,
        ),
    ):  # fmt: skip
        stranger = connect(wrong)
        with pytest.raises(RedisError):
            await stranger.ping()
        await stranger.aclose()
