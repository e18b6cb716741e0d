"""`hubbub transcribe`: files to text."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from common.commands.up import with_ports
from common.errors import HubbubError
from common.logs import configure_logs
from common.settings import Settings, load_settings
from common.streams.client import PASSING, connect
from common.streams.deployment import shard_count
from common.streams.reports import read_reports
from common.streams.result_log import ResultLog
from common.supervisor import running
from common.tokens import Scope
from common.topology import STAGES
from ingest.player.recordings import Clip, check_readable, find_clips
from ingest.transcription import Hearing, Transcriber, to_line

_POOLS = ("ingest", *STAGES)
_AT_ONCE, _AT_ONCE_BESIDE_OTHERS = 8, 2
# Nobody waits for captions, so windows go to finals, at full quality however long they queue.
UNHURRIED = {
    "HUBBUB_EMITTER__QUALITY": "full",
    "HUBBUB_EMITTER__PARTIAL_MS": "30000",
    "HUBBUB_EMITTER__DRAFTS": "false",
    "HUBBUB_ASR__WINDOW_MS": "1000",
}

Files = Annotated[
    list[Path], typer.Argument(help="Audio files, folders, or manifests (JSON lines with `file`).")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a file.")]
Redis = Annotated[str | None, typer.Option("--redis", help="The Redis of the running system to use.")]


def transcribe(files: Files, *, as_json: AsJson = False, redis: Redis = None) -> None:
    """Transcribe files, as fast as it goes.

    Through the running system if there is one at the configured Redis, otherwise through one that
    runs just for this.
    """
    settings = load_settings()
    configure_logs(settings.log, pool="transcribe")
    if redis is not None:
        settings = _with_redis(settings, redis)
    clips = find_clips(files)
    for clip in clips:
        check_readable(clip)
    incomplete = asyncio.run(_transcribe(settings, clips, as_json=as_json, required=redis is not None))
    if incomplete:
        raise HubbubError(f"not all was transcribed of {', '.join(incomplete)}")


async def _transcribe(
    settings: Settings, clips: Sequence[Clip], *, as_json: bool, required: bool
) -> list[str]:
    """Print every clip's transcript; returns the names of those with audio missing."""
    incomplete = []
    async with (
        _system(settings, required=required) as transcriber,
        aclosing(transcriber.all(clips)) as hearings,
    ):
        async for hearing in hearings:
            typer.echo(to_line(hearing) if as_json else _plain(hearing, titled=len(clips) > 1))
            if hearing.coverage < 1.0:
                incomplete.append(hearing.clip.name)
    return incomplete


def _plain(hearing: Hearing, *, titled: bool) -> str:
    lines = [final.text.strip() for final in hearing.finals]
    return "\n".join([f"== {hearing.clip.name}", *lines, ""] if titled else lines)


@asynccontextmanager
async def _system(settings: Settings, *, required: bool) -> AsyncIterator[Transcriber]:
    """The running system, or one of our own. Raises HubbubError where it is required and not there."""
    url = settings.redis.url.get_secret_value()
    token = settings.access.token_for(Scope.INGEST)
    ingest_url = await _find_ingest(settings)
    if ingest_url is not None:
        async with _results(settings) as results:
            yield Transcriber(ingest_url, results, _AT_ONCE_BESIDE_OTHERS, token=token)
    elif required:
        raise HubbubError(f"no ingest is running on {url}")
    else:
        async with _own_system(settings) as transcriber:
            yield transcriber


@asynccontextmanager
async def _own_system(settings: Settings) -> AsyncIterator[Transcriber]:
    Console(stderr=True).print("starting a system for this …", style="dim")
    unhurried = {name: value for name, value in UNHURRIED.items() if name not in os.environ}
    with tempfile.NamedTemporaryFile(prefix="hubbub-transcribe-", suffix=".log") as log:
        scale = dict.fromkeys(_POOLS, 1)
        async with (
            running(
                with_ports(settings, 0, 0),
                redis_url=None,
                scale=scale,
                output=log.file,
                environment=unhurried,
            ) as system,
            _results(_with_redis(settings, system.redis_url)) as results,
        ):
            token = settings.access.token_for(Scope.INGEST)
            yield Transcriber(system.ingest_url, results, _AT_ONCE, token=token)


async def _find_ingest(settings: Settings) -> str | None:
    """Where the system at the configured Redis takes audio, if there is one."""
    redis = connect(settings.redis, timeout_s=2)
    try:
        reports = await read_reports(redis)
    except PASSING:
        return None
    finally:
        await redis.aclose()
    return next((report.url for report in reports if report.pool == "ingest" and report.ready), None)


@asynccontextmanager
async def _results(settings: Settings) -> AsyncIterator[ResultLog]:
    redis = connect(settings.redis)
    try:
        yield ResultLog(redis, await shard_count(redis))
    finally:
        await redis.aclose()


def _with_redis(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": SecretStr(url)})})
