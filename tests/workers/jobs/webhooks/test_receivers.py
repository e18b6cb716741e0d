"""The receivers shown on the page for users, as processes."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import LOOPBACK, final

from common.ports import free_port
from common.results import to_json
from common.settings import WebhookSettings
from common.webhooks import Delivery, new_secret
from tests.kit import eventually
from workers.jobs.webhooks.body import body
from workers.jobs.webhooks.sender import Sender, open_sender
from workers.jobs.webhooks.signature import Letter, headers

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"
PAGE = EXAMPLES.parent / "webhooks.md"
COMMANDS = {
    "python": [sys.executable, EXAMPLES / "receive_webhooks.py"],
    "node": ["node", EXAMPLES / "receive-webhooks.mjs"],
}
DELIVERY = Delivery(
    id="msg_1", event="transcript.final", meeting="weekly", shard=0, entry="1-0", made_at_ms=0, since_ms=0
)


@asynccontextmanager
async def receiver(command: Sequence[object], secret: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """The address of the example, and what it prints."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *map(str, command), str(port), secret, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{port}/", process.stdout
    finally:
        process.kill()
        await process.communicate()


async def post(sender: Sender, url: str, letter: Letter, secrets: Sequence[str], at_s: float) -> int | None:
    return (await sender.post(url, headers(letter, secrets, int(at_s)), letter.body)).attempt.status


@pytest.mark.parametrize("language", COMMANDS)
async def test_the_example_believes_what_is_signed_and_acts_once(language: str) -> None:
    if shutil.which(str(COMMANDS[language][0])) is None:
        pytest.skip(f"{language} is not installed")
    secret, now = new_secret(), time.time()
    letters = [Letter(f"msg_{n}", body(DELIVERY, to_json(final(n)), "json")) for n in range(2)]
    async with (
        open_sender(WebhookSettings(**LOOPBACK)) as sender,
        receiver(COMMANDS[language], secret) as (url, out),
    ):

        async def answers() -> object:
            return await post(sender, url, letters[0], [secret], now) == 204

        await eventually("the example serves", answers, 60)
        assert await post(sender, url, letters[0], [secret], now) == 204
        assert await post(sender, url, letters[0], [new_secret()], now) == 401
        assert await post(sender, url, letters[0], [], now) == 401
        assert await post(sender, url, letters[0], [secret], now - 3600) == 401
        forged = replace(letters[1], body=letters[1].body.replace(b"Sentence", b"Nonsense"))
        signed = headers(letters[1], [secret], int(now))
        assert (await sender.post(url, signed, forged.body)).attempt.status == 401
        assert await post(sender, url, letters[1], [new_secret(), secret], now) == 204
        lines = [(await out.readline()).decode().strip() for _ in range(2)]
    assert lines == ["transcript.final Sentence 0.", "transcript.final Sentence 1."]


@pytest.mark.parametrize("name", ["receive_webhooks.py", "receive-webhooks.mjs"])
def test_the_page_shows_what_runs(name: str) -> None:
    code = (EXAMPLES / name).read_text()
    begin = code.index("def is_genuine" if name.endswith("py") else "function isGenuine")
    end = code.index("\n\n\nclass" if name.endswith("py") else "\n\ncreateServer")
    assert code[begin:end] in PAGE.read_text()
