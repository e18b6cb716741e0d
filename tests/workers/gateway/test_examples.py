import asyncio
import re
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path

import orjson
import pytest
from scripted_meeting import SCRIPT, SHARDS, meeting_results

from common.results import TYPES, Mood, Result, Tone, Transcript, Word, from_json, to_json

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
RESULTS_PAGE = EXAMPLES.parent / "results.md"
READER = EXAMPLES / "read-results.mjs"

pytestmark = pytest.mark.integration


def finals(results: list[Result]) -> list[Transcript]:
    return [r for r in results if isinstance(r, Transcript) and r.status == "final"]


async def read(*arguments: str, count: int) -> list[tuple[str, dict]]:
    """The first lines that the script prints: positions and results."""
    node = shutil.which("node") or pytest.skip("node is not installed")
    process = await asyncio.create_subprocess_exec(node, READER, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines = [(await process.stdout.readline()).decode() for _ in range(count)]
    finally:
        process.kill()
        await process.communicate()
    return [(position, orjson.loads(data)) for position, _, data in (line.partition(" ") for line in lines)]


async def test_a_script_in_another_language_reads_and_resumes(gateway, standup) -> None:
    url = str(gateway.base_url.join("/v1/meetings/standup/events"))
    wanted = [r.id for r in standup if isinstance(r, Transcript)]
    first = await read(url, count=10)
    rest = await read(url, first[-1][0], count=len(wanted) - 10)
    assert [result["id"] for _, result in first + rest] == wanted


async def test_it_follows_what_is_new(gateway, publish, standup) -> None:
    url = str(gateway.base_url.join("/v1/meetings/standup/events"))
    texts = [r for r in meeting_results() if isinstance(r, Transcript)]
    reading = asyncio.create_task(read(url, count=len(texts) + 2))
    await publish(texts[:2])
    assert [result["id"] for _, result in (await reading)[-2:]] == [texts[0].id, texts[1].id]


async def test_a_group_of_its_own_goes_on_where_it_stopped(redis, valkey_url, publish, standup) -> None:
    await redis.hset("hb:deployment", "shards", str(SHARDS))
    first = await read_group(valkey_url, until=SCRIPT[2][2])
    (final, *_) = finals(standup)
    await publish([replace(final, text="The end.")])
    rest = await read_group(valkey_url, until="The end.")
    heard = [line.partition(": ")[2] for line in first + rest]
    assert set(heard) == {*(text for _, _, text, _ in SCRIPT), "The end."}
    assert heard.count(SCRIPT[0][2]) == 1


async def read_group(url: str, *, until: str) -> list[str]:
    """The lines that the Python service prints, up to a certain one, where it is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLES / "read_results.py", url, "my-service", "one", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(20):
            while not lines or not lines[-1].endswith(until):
                lines.append((await process.stdout.readline()).decode().strip())
    finally:
        process.kill()
        await process.communicate()
    return lines


async def test_a_service_follows_with_the_client_and_resumes(gateway, standup) -> None:
    arguments = ["follow_captions.py", str(gateway.base_url), "standup"]
    wanted = [final.text for final in finals(standup)]
    first = await lines_of(sys.executable, *arguments, count=2)
    position = first[-1].split()[0]
    rest = await lines_of(sys.executable, *arguments, position, count=len(wanted) - 2)
    assert [line.endswith(text) for line, text in zip(first + rest, wanted, strict=True)] == [True] * len(
        wanted
    )


async def test_the_commands_of_the_page_for_curl_show_the_results(gateway, publish, standup) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    [block] = re.findall(r"```sh\n(curl -N.+?)\n```", RESULTS_PAGE.read_text(), re.DOTALL)
    all_of_it, *_ = block.split("\n")
    command = all_of_it.replace("http://127.0.0.1:8780", str(gateway.base_url).rstrip("/"))
    shown = await lines_of(*command.replace("/demo/", "/standup/").split(), count=4 * len(standup))
    data = [from_json(line.removeprefix("data: ").encode()) for line in shown if line.startswith("data: ")]
    assert [result.id for result in data if result.type == "keyword"] == [
        result.id for result in standup if result.type == "keyword"
    ]


async def lines_of(*command: str, count: int) -> list[str]:
    """The first lines that a program prints."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=EXAMPLES)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            return [(await process.stdout.readline()).decode().strip() for _ in range(count)]
    finally:
        process.kill()
        await process.communicate()


def test_the_examples_of_the_page_for_readers_are_results() -> None:
    blocks = re.findall(r"```json\n(.+?)\n```", RESULTS_PAGE.read_text(), re.DOTALL)
    shown = [from_json(block.encode()) for block in blocks]
    assert {result.type for result in shown} == TYPES.keys()
    assert [to_json(result) for result in shown] == [block.encode() for block in blocks]


def test_the_page_shows_the_script_that_runs() -> None:
    _, script = READER.read_text().split("\n", 1)
    assert script in RESULTS_PAGE.read_text()


def test_the_page_names_every_field() -> None:
    page = RESULTS_PAGE.read_text()
    names = {field.name for kind in (*TYPES.values(), Word, Tone, Mood) for field in fields(kind)}
    assert {name for name in names if f"`{name}`" not in page and not name.endswith("_z")} == set()
