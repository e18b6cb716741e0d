"""Meetings of real speech, played over real sockets, and what came of them."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import soundfile

from common.audio import SAMPLE_RATE
from common.errors import HubbubError
from common.identity import DEFAULT_TENANT, Meeting
from common.streams.audio_log import MeetingRecord
from common.streams.client import PASSING, Client, check_cancelled
from common.streams.result_log import ResultLog
from ingest.player.play import Pace, Performance
from ingest.player.programme import compose
from ingest.player.recordings import Clip, load
from ingest.player.wires import WIRES
from ingest.simulate import play_all
from tests.chaos.verdict import Outcome

DEMO = Path(__file__).parents[2] / "ingest" / "demo" / "meeting.ogg"
_LOOK_S = 0.25
AFTER_MS = 1000
"""Silence after an excerpt."""


def excerpt(folder: Path, start_s: float, end_s: float) -> Path:
    """A stretch of the bundled meeting as a file of its own, at the rate of canonical audio.

    A resampler holds the end of a message back until the next one comes, or until a client has
    waited for its acknowledgement for too long: then time would decide about a few samples.
    """
    path = folder / f"excerpt-{start_s:g}-{end_s:g}.wav"
    pcm = load(Clip(DEMO.name, DEMO)).at(SAMPLE_RATE).pcm
    soundfile.write(path, pcm[int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)], SAMPLE_RATE)
    return path


def meetings_named(prefix: str, count: int) -> list[Meeting]:
    """The meetings that `play` makes."""
    return [Meeting(DEFAULT_TENANT, f"{prefix}-{number}") for number in range(count)]


async def play(
    audio: Path,
    url: str,
    meetings: Sequence[Meeting],
    speed: float,
    *,
    times: int = 1,
    chunk_ms: int | None = None,
) -> list[str]:
    """Play the same to every meeting, so many times over, in numbered messages; returns what failed."""
    programme = compose([load(Clip(audio.name, audio))] * times, rate=None, pause_ms=AFTER_MS)
    pace = Pace(chunk_ms, speed)
    outcomes = await play_all([Performance(programme, WIRES["json"], m.id, pace) for m in meetings], url)
    return [f"not played: {outcome}" for outcome in outcomes if isinstance(outcome, HubbubError)]


async def outcome(redis: Client, shards: int, meeting: Meeting) -> Outcome:
    """What is known of a meeting. Raises AssertionError where nothing is, and what Redis raises."""
    log = ResultLog(redis, shards)
    record = await log.meeting(meeting)
    assert record is not None, f"nothing is known of {meeting}"
    return Outcome(record, [stored.decoded() for stored in await log.history(meeting)])


async def until_finished(redis: Client, shards: int, meetings: Sequence[Meeting], within_s: float) -> None:
    """Until every meeting has ended and all its audio has its final, or time is up."""
    deadline = time.monotonic() + within_s
    log = ResultLog(redis, shards)
    waiting = list(meetings)
    while waiting and time.monotonic() < deadline:
        check_cancelled()
        try:
            record = await log.meeting(waiting[0])
        except PASSING:
            record = None
        if record is not None and _is_finished(record):
            waiting.pop(0)
        else:
            await asyncio.sleep(_LOOK_S)


def _is_finished(record: MeetingRecord) -> bool:
    utterances, finals = (record.counters.get(name, 0) for name in ("utterances", "finals"))
    return record.ended and record.coverage == 1.0 and 0 < utterances == finals
