"""Files through a running system: uploaded as fast as it takes them, and their results awaited."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import soundfile

from common.audio import SAMPLE_RATE
from common.errors import HubbubError, InvalidInput
from common.identity import DEFAULT_TENANT, Meeting
from common.results import Activity, Transcript
from common.settings import TokenSettings
from common.streams.result_log import START, ResultLog
from ingest.player.recordings import Clip

_PIECE_S = 5
_LOOK_S = 0.2
_STALLED_S = 60
_SETTLED = {"final", "lost"}


@dataclass(slots=True)
class Hearing:
    """What has come out for one file so far."""

    clip: Clip
    meeting: Meeting
    seconds: float = 0.0
    coverage: float = 0.0
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    after: str = START
    open: set[str] = field(default_factory=set)

    def take(self, result: object) -> None:
        """A result of the meeting."""
        if isinstance(result, Activity):
            self._note(result.utterance)
        elif isinstance(result, Transcript) and result.status in _SETTLED:
            self.transcripts[result.utterance] = result
            self.open.discard(result.utterance)

    def _note(self, utterance: str) -> None:
        if utterance not in self.transcripts:
            self.open.add(utterance)

    @property
    def finals(self) -> list[Transcript]:
        """The final transcripts, in order of time."""
        finals = [result for result in self.transcripts.values() if result.status == "final"]
        return sorted(finals, key=lambda result: result.start_ms)

    @property
    def text(self) -> str:
        """All that was said."""
        return " ".join(final.text.strip() for final in self.finals)

    def as_json(self) -> dict[str, Any]:
        """One object a file."""
        return {
            "file": self.clip.name,
            "text": self.text,
            "words": [word for final in self.finals for word in final.words],
            "finals": self.finals,
            "seconds": round(self.seconds, 3),
            "coverage": round(self.coverage, 4),
        }


class Transcriber:
    """Transcribes clips, several at once, and yields them in order."""

    def __init__(
        self, ingest_url: str, results: ResultLog, at_once: int, *, token: TokenSettings | None = None
    ) -> None:
        self._at_once = at_once
        self._tenant = token.tenant if token else DEFAULT_TENANT
        self._headers = {"Authorization": f"Bearer {token.token.get_secret_value()}"} if token else {}
        self._ingest_url = ingest_url.replace("ws", "http", 1)
        self._results = results
        self._run = secrets.token_hex(4)

    async def all(self, clips: Sequence[Clip]) -> AsyncGenerator[Hearing]:
        """Every clip's hearing, as it is complete. Raises HubbubError when a file cannot be read."""
        slots = asyncio.Semaphore(self._at_once)
        async with httpx.AsyncClient(
            base_url=self._ingest_url, timeout=_STALLED_S, headers=self._headers
        ) as client:
            tasks = [
                asyncio.create_task(self._one(client, slots, number, clip))
                for number, clip in enumerate(clips)
            ]
            try:
                for task in tasks:
                    yield await task
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(
        self, client: httpx.AsyncClient, slots: asyncio.Semaphore, number: int, clip: Clip
    ) -> Hearing:
        async with slots:
            hearing = Hearing(clip, Meeting(self._tenant, f"file-{self._run}-{number}"))
            await self._upload(client, hearing)
            await self._complete(hearing)
            return hearing

    async def _upload(self, client: httpx.AsyncClient, hearing: Hearing) -> None:
        try:
            with soundfile.SoundFile(hearing.clip.path) as audio:
                kind = f"audio/L16;rate={audio.samplerate};channels={audio.channels};endianness=little-endian"
                response = await client.post(
                    f"/v1/meetings/{hearing.meeting.id}/audio",
                    content=_pieces(audio),
                    headers={"content-type": kind},
                )
        except (soundfile.LibsndfileError, OSError) as error:
            raise InvalidInput(f"{hearing.clip.name}: {error}") from error
        except httpx.HTTPError as error:
            raise HubbubError(f"{hearing.clip.name}: {self._ingest_url}: {error!r}") from error
        if response.status_code != httpx.codes.OK:
            raise HubbubError(f"{hearing.clip.name}: {response.text}")
        hearing.seconds = response.json()["samples"] / SAMPLE_RATE

    async def _complete(self, hearing: Hearing) -> None:
        """Until all that was said is transcribed; or nothing moves any more, which coverage shows."""
        moved_at, complete_looks, before = time.monotonic(), 0, ""
        while complete_looks < 2 and time.monotonic() - moved_at < _STALLED_S:
            await asyncio.sleep(_LOOK_S)
            complete = await self._look(hearing)
            complete_looks = complete_looks + 1 if complete else 0
            if hearing.after != before:
                moved_at, before = time.monotonic(), hearing.after

    async def _look(self, hearing: Hearing) -> bool:
        """Take what is new; says whether nothing is outstanding. The counters come before the results."""
        record = await self._results.meeting(hearing.meeting)
        for stored in await self._results.history(hearing.meeting, after=hearing.after):
            hearing.after = stored.id
            hearing.take(stored.decoded())
        if record is None:
            return hearing.seconds == 0
        hearing.coverage = record.coverage
        return record.coverage >= 1.0 and not hearing.open


async def _pieces(audio: soundfile.SoundFile) -> AsyncIterator[bytes]:
    while len(block := await asyncio.to_thread(audio.read, audio.samplerate * _PIECE_S, "int16")):
        yield block.tobytes()


def to_line(hearing: Hearing) -> str:
    """One JSON object."""
    return orjson.dumps(hearing.as_json()).decode()
