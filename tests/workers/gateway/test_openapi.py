import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from vendor import account, vendor_api

from workers.gateway.routes.bots import RECORDINGS

pytestmark = pytest.mark.integration

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
BUDGET_S = 60
AS_THEY_ARE = f"""
import schemathesis

@schemathesis.serializer(*{RECORDINGS!r})
def recording(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()
"""


@pytest.fixture
async def document(gateway: httpx.AsyncClient) -> dict[str, Any]:
    return (await gateway.get("/openapi.json")).json()


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What bodies go in and out, by where."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{method} {path} takes {kind}", content
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    yield f"{method} {path} answers {status} {kind}", content


async def test_every_answer_has_an_example_that_satisfies_its_schema(document: dict[str, Any]) -> None:
    for where, content in contents(document):
        schema = {**content.get("schema", {}), "components": document["components"]}
        if schema.get("format") == "binary":
            continue
        named = content.get("examples", {"": {"value": content.get("example")}})
        for example in named.values():
            assert example["value"] not in (None, "", {}), where
            if "json" in where.rpartition("/")[2]:
                jsonschema.validate(example["value"], schema)


MAY_BE_EMPTY = {"reason", "error", "url", "description", "secret"}


def hollow(value: Any, name: str = "") -> Iterator[str]:
    """Fields of an example that tell nothing."""
    if isinstance(value, dict):
        for field, inner in value.items():
            yield from hollow(inner, field)
    elif isinstance(value, list):
        for inner in value:
            yield from hollow(inner, name)
    elif value == "" and name not in MAY_BE_EMPTY:
        yield name


async def test_examples_are_such_as_one_may_meet(document: dict[str, Any]) -> None:
    shown = {where: content.get("example") for where, content in contents(document) if "json" in where}
    found = {where: set(hollow(example)) for where, example in shown.items()}
    assert {where: names for where, names in found.items() if names} == {}


async def test_every_route_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            assert "422" not in operation["responses"], (method, path)
            if "{meeting_id}" in path:
                assert {"400", "401", "403", "404", "503"} <= operation["responses"].keys(), (method, path)
            for parameter in operation.get("parameters", ()):
                assert "example" in str(parameter), (method, path, parameter["name"])


@pytest.fixture
async def everything(run_gateway, standup) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with a meeting as in the examples, that may send bots."""
    async with vendor_api() as vendor, run_gateway(meetstream=account(vendor)) as client:
        yield client


async def test_no_request_that_the_description_allows_is_a_server_error(
    everything: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Schemathesis, but for the stream of events, which has no end."""
    command = [
        Path(sys.executable).with_name("schemathesis"), "--config-file", tmp_path / "schemathesis.toml",
        "run", everything.base_url.join("/openapi.json"), "--checks", CHECKS, "--max-time", BUDGET_S,
        "--exclude-path", "/v1/meetings/{meeting_id}/events", "--exclude-path", "/metrics",
        "--phases", "examples,coverage,fuzzing", "--max-examples", 10, "--request-timeout", 30,
        "--generation-database", "none", "--no-color", "--suppress-health-check", "all",
    ]  # fmt: skip
    (tmp_path / "schemathesis.toml").write_text("")
    (tmp_path / "recordings.py").write_text(AS_THEY_ARE)
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "recordings"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(10 * BUDGET_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, told.decode()[-6000:]
    assert int(re.search(r"(\d+) generated", told.decode())[1]) > 10, told.decode()[-2000:]
