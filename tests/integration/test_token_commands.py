"""`hubbub token` and `hubbub audit`, as an operator uses them."""

import asyncio

import orjson
import pytest
from typer.testing import CliRunner

from common.cli import app
from common.settings import RedisSettings
from common.streams import keys
from common.streams.client import Client
from common.streams.deployment import join_deployment
from tests.kit import SHARDS
from tests.users import url_as

pytestmark = pytest.mark.integration


@pytest.fixture
def run(redis: Client, redis_settings: RedisSettings):
    def command(*arguments: str) -> tuple[int, str]:
        url = url_as(redis_settings.url.get_secret_value(), "operator")
        done = CliRunner().invoke(app, [*arguments, "--redis", url])
        return done.exit_code, done.stdout.strip()

    return command


def test_a_token_is_shown_once_listed_and_revoked(run) -> None:
    options = ["--tenant", "acme", "--scope", "read", "--expires", "12h", "--note", "tv"]
    code, made = run("token", "create", *options)
    assert code == 0
    text = made.splitlines()[0]
    _, listed = run("token", "list", "--json")
    token = orjson.loads(listed)
    assert (token["tenant"], token["scopes"], token["note"]) == ("acme", ["read"], "tv")
    assert token["expires_at_ms"] - token["created_at_ms"] == 12 * 3_600_000
    assert run("token", "revoke", token["id"]) == (0, "revoked")
    assert run("token", "list") == (0, "")
    assert run("token", "revoke", token["id"])[0] != 0
    _, audit = run("audit", "--json")
    entries = [orjson.loads(line) for line in audit.splitlines()]
    assert [entry["action"] for entry in entries] == ["token.create", "token.revoke", "token.revoke"]
    assert all(entry["actor"].startswith("cli:") for entry in entries)
    assert text not in audit + listed


@pytest.mark.parametrize(
    "wrong",
    [
        ["--scope", "everything"],
        ["--scope", "read", "--expires", "soon"],
        ["--tenant", "A B", "--scope", "read"],
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(run, wrong: list[str]) -> None:
    assert run("token", "create", *wrong)[0] != 0
    assert run("token", "list") == (0, "")


async def test_what_is_done_to_dead_letters_is_written_down(
    redis: Client, redis_settings: RedisSettings
) -> None:
    await join_deployment(redis, SHARDS)
    dead = {"stage": "vad", "stream": "audio", "error": "boom", "entry": "1-1", "field:m": b"x"}
    for _ in range(2):
        await redis.xadd(keys.dead_letters(0), dead)
    ids = [entry_id.decode() for entry_id, _ in await redis.xrange(keys.dead_letters(0))]
    url = url_as(redis_settings.url.get_secret_value(), "operator")
    for command, entry_id in zip((["retry"], ["drop", "--yes"]), ids, strict=True):
        await _in_thread(["dead", *command, "--id", f"0/{entry_id}", "--redis", url])
    written = [fields for _, fields in await redis.xrange(keys.AUDIT)]
    assert [(f[b"action"], f[b"subject"]) for f in written] == [
        (b"dead.retry", f"0/{ids[0]}".encode()),
        (b"dead.drop", f"0/{ids[1]}".encode()),
    ]


async def _in_thread(arguments: list[str]) -> None:
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert done.exit_code == 0, done.output
