"""A whole system under test: real processes, a real broker, real models, real sockets."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import soundfile

from common.identity import Meeting
from common.results import Result, Transcript
from common.settings import RedisSettings
from common.streams.audio_log import MeetingRecord
from common.streams.client import connect
from common.streams.deployment import shard_count
from common.streams.overview import Overview, read_overview
from common.streams.reports import ProcessReport, read_reports
from common.streams.result_log import ResultLog

HUBBUB = Path(sys.executable).with_name("hubbub")
DEMO = Path(__file__).parents[2] / "ingest" / "demo" / "meeting.ogg"
READY_WITHIN_S = 180


@dataclass(frozen=True, slots=True)
class System:
    """Where a running system serves."""

    ingest: str
    gateway: str
    redis: str

    def reports(self) -> list[ProcessReport]:
        """What its processes say of themselves."""
        return asyncio.run(self._reports())

    async def _reports(self) -> list[ProcessReport]:
        client = connect(RedisSettings(url=self.redis))  # type: ignore[arg-type]  # pydantic wraps it
        try:
            return await read_reports(client)
        finally:
            await client.aclose()

    def pid(self, pool: str) -> int:
        """A process of a pool."""
        return next(report.pid for report in self.reports() if report.pool == pool)

    def outcome(self, meeting: str) -> tuple[MeetingRecord, list[Result]]:
        """What is known of a meeting, and all its results."""
        return asyncio.run(self._outcome(Meeting("default", meeting)))

    async def _outcome(self, meeting: Meeting) -> tuple[MeetingRecord, list[Result]]:
        client = connect(RedisSettings(url=self.redis))  # type: ignore[arg-type]  # pydantic wraps it
        try:
            log = ResultLog(client, await shard_count(client))
            record = await log.meeting(meeting)
            assert record is not None, f"nothing is known of {meeting}"
            return record, [stored.decoded() for stored in await log.history(meeting)]
        finally:
            await client.aclose()

    def finished(self, meeting: str, within_s: float = 90) -> list[Result]:
        """All results of a meeting once it is over, all finals are there and all phrases looked for."""
        deadline = time.monotonic() + within_s
        while True:
            record, _ = self.outcome(meeting)
            if record.ended and _all_final(record) and record.coverage == 1.0 and self._looked_for(meeting):
                return self.outcome(meeting)[1]
            assert time.monotonic() < deadline, f"not finished: {record}"
            time.sleep(0.5)

    def _looked_for(self, meeting: str) -> bool:
        """Whether the keyword pool, which nothing waits for, is done with the meeting's shard."""
        overview = asyncio.run(self._overview())
        shard = Meeting("default", meeting).shard(overview.shards)
        groups = [group for group in overview.groups if (group.pool, group.shard) == ("keyword", shard)]
        return not any(group.lag or group.pending for group in groups)

    async def _overview(self) -> Overview:
        client = connect(RedisSettings(url=self.redis))  # type: ignore[arg-type]  # pydantic wraps it
        try:
            return await read_overview(client)
        finally:
            await client.aclose()


def _all_final(record: MeetingRecord) -> bool:
    return 0 < record.counters.get("utterances", 0) == record.counters.get("finals", 0)


@contextmanager
def running_system(log: Path, *flags: str, **settings: str) -> Iterator[System]:
    """`hubbub up` until the block ends."""
    command = [str(HUBBUB), "up", "--ingest-port", "0", "--gateway-port", "0", *flags]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **settings}
        )
        try:
            yield _parse_ready(process, log)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _parse_ready(process: "subprocess.Popen[str]", log: Path) -> System:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready "), f"instead of a ready line: {line!r}; see {log.read_text()[-2000:]}"
    return System(**dict(part.split("=", 1) for part in line.split()[1:]))


def play(system: System, files: Sequence[Path], prefix: str, *flags: str) -> "subprocess.Popen[bytes]":
    """`hubbub simulate`, going on in the background."""
    command = [str(HUBBUB), "simulate", *map(str, files), "--url", system.ingest, "--meeting-prefix", prefix]
    return subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL)


def excerpt(path: Path, start_s: float, end_s: float) -> Path:
    """A stretch of the bundled meeting as a file of its own."""
    audio, rate = soundfile.read(DEMO, dtype="int16")
    soundfile.write(path, audio[int(start_s * rate) : int(end_s * rate)], rate)
    return path


def finals(results: Sequence[Result]) -> list[Transcript]:
    """The final transcripts, in the order they appeared."""
    return [r for r in results if isinstance(r, Transcript) and r.status == "final"]
