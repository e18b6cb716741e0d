"""One attempt against receivers of every kind, over real sockets."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from receivers import Request, hang, hang_up, receiving, say, say_ok

from common.settings import WebhookSettings
from workers.jobs.webhooks.patience import Outcome
from workers.jobs.webhooks.sender import MAX_ANSWER_BYTES, Sender, open_sender
from workers.jobs.webhooks.signature import Letter, headers

LOOPBACK = ("127.0.0.0/8", "::1/128")
LETTER = Letter("msg_1", b'{"type":"test"}')
SIGNED = headers(LETTER, (), 7)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with open_sender(WebhookSettings(allowed_networks=LOOPBACK, timeout_s=2)) as opened:
        yield opened


async def post(sender: Sender, url: str) -> Outcome:
    """An attempt, which must end by itself; a second is left for a machine that is busy."""
    async with asyncio.timeout(30):
        return await sender.post(url, SIGNED, LETTER.body)


async def test_what_is_sent_arrives(sender: Sender) -> None:
    async with receiving() as receiver:
        outcome = await post(sender, receiver.url)
    assert (outcome.attempt.status, outcome.attempt.error) == (200, "")
    (request,) = receiver.requests
    assert request.body == LETTER.body
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == receiver.url.split("/")[2]


async def test_connections_are_kept(sender: Sender) -> None:
    async with receiving() as receiver:
        for _ in range(5):
            await post(sender, receiver.url)
    assert (len(receiver.requests), receiver.connections) == (5, 1)


async def drip_header(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: more\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood_header(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def go_on_and_on(request: Request, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def talk_nonsense(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


@pytest.mark.parametrize("answer", [hang, hang_up, drip_header, flood_header, go_on_and_on, talk_nonsense])
async def test_whatever_a_receiver_does_an_attempt_ends(sender: Sender, answer) -> None:
    async with receiving(answer) as receiver, receiving() as good:
        outcome = await post(sender, receiver.url)
        assert outcome.attempt.error
        assert outcome.attempt.status is None
        assert (await post(sender, good.url)).attempt.status == 200


async def flood_body(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


async def drip_body(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("answer", [flood_body, drip_body])
async def test_once_the_status_is_known_the_body_holds_nobody_up(sender: Sender, answer) -> None:
    async with receiving(answer) as receiver:
        outcome = await post(sender, receiver.url)
    assert (outcome.attempt.status, outcome.attempt.error) == (200, "")


async def test_redirects_are_not_followed(sender: Sender) -> None:
    async with receiving() as other, receiving(say(302, f"Location: {other.url}")) as receiver:
        outcome = await post(sender, receiver.url)
    assert (outcome.attempt.status, other.requests) == (302, [])
    assert "not followed" in outcome.attempt.error


async def test_an_error_says_how_the_receiver_put_it_in_few_words(sender: Sender) -> None:
    nasty = "no\x1b[31m such\r\nhook " + "x" * MAX_ANSWER_BYTES
    async with receiving(say(404, body=nasty)) as receiver:
        outcome = await post(sender, receiver.url)
    assert outcome.attempt.error.startswith("status 404: no [31m such hook xxx")
    assert outcome.attempt.error.isprintable()
    assert len(outcome.attempt.error) < 250


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("-5", 0), ("soon", 0), ("9" * 400, 999_999_999), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
async def test_retry_after_is_read_whatever_it_says(sender: Sender, value: str, seconds: float) -> None:
    async with receiving(say(503, f"Retry-After: {value}")) as receiver:
        assert (await post(sender, receiver.url)).retry_after_s == seconds


@pytest.mark.parametrize("url", ["https://127.0.0.1:{}/", "https://localhost:{}/", "http://localhost:{}/"])
async def test_private_addresses_are_not_connected_to(url: str) -> None:
    async with receiving() as receiver, open_sender(WebhookSettings(timeout_s=2)) as sender:
        outcome = await post(sender, url.format(receiver.url.split(":")[2].split("/")[0]))
    assert "not a public address" in outcome.attempt.error
    assert receiver.connections == 0


async def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when the webhook is made, and when first asked; private a moment later."""
    asked: list[str] = []

    def rebound(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    async with receiving() as receiver, open_sender(WebhookSettings(timeout_s=2)) as sender:
        outcome = await post(sender, f"https://rebound.example:{receiver.url.split(':')[2]}")
    assert "not a public address" in outcome.attempt.error
    assert (asked, receiver.connections) == (["rebound.example"], 0)


async def test_a_name_that_leads_nowhere_is_an_error_of_one_line(sender: Sender) -> None:
    outcome = await post(sender, "https://nowhere.invalid/")
    assert outcome.attempt.error == "nowhere.invalid cannot be resolved"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody vouches for, with its key."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {path} -out {path}.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_tls_checks_the_name_though_the_address_was_resolved_before(
    certificate: Path, tls: ssl.SSLContext
) -> None:
    settings = WebhookSettings(allowed_networks=LOOPBACK, timeout_s=5, ca_file=f"{certificate}.crt")
    async with receiving(say_ok, tls=tls) as receiver, open_sender(settings) as sender:
        assert (await post(sender, receiver.url)).attempt.status == 200
        by_address = await post(sender, receiver.url.replace("localhost", "127.0.0.1"))
    assert "certificate" in by_address.attempt.error.lower()
    assert len(receiver.requests) == 1


async def test_certificates_nobody_vouches_for_are_refused(sender: Sender, tls: ssl.SSLContext) -> None:
    async with receiving(say_ok, tls=tls) as receiver:
        outcome = await post(sender, receiver.url)
    assert "certificate" in outcome.attempt.error.lower()
    assert receiver.requests == []


async def test_many_that_hang_leave_nothing_behind(sender: Sender) -> None:
    async with receiving(hang) as stuck, receiving() as good:
        await asyncio.gather(*(post(sender, stuck.url) for _ in range(50)))
        outcomes = await asyncio.gather(*(post(sender, good.url) for _ in range(20)))
    assert {outcome.attempt.status for outcome in outcomes} == {200}
