"""Plays the bundled meeting as MeetStream's bot would: live, over a socket, in its frames."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import orjson
import soxr
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from common.identity import Speaker
from ingest.demo.meeting import BundledMeeting, Label, read_audio
from ingest.labels import NOBODY

RATE = 48_000
_SAMPLES_PER_MS = RATE // 1000
# Platforms buffer as they like; about 100 ms is usual, now and then it is more.
_FRAMES_MS = (100, 85, 21, 100, 64, 128, 100, 43, 250, 100)


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of the mixed audio and the speaker the platform names; `end_ms` is when it was captured."""

    speaker: Speaker
    pcm: bytes
    end_ms: int


def frames(meeting: BundledMeeting, audio: NDArray[np.int16]) -> Iterator[Frame]:
    """All of `audio`, shape (samples,) at RATE, labelled with who dominates the middle of each frame."""
    start_ms = 0
    sizes = cycle(_FRAMES_MS)
    while start_ms < meeting.duration_ms:
        end_ms = min(start_ms + next(sizes), meeting.duration_ms)
        pcm = audio[start_ms * _SAMPLES_PER_MS : end_ms * _SAMPLES_PER_MS].tobytes()
        label = _label_at(meeting.labels, (start_ms + end_ms) // 2)
        yield Frame(label.speaker or NOBODY, pcm, end_ms)
        start_ms = end_ms


def encode(speaker: Speaker, pcm: bytes) -> bytes:
    """One frame: type, speaker id and name with their lengths, samples."""
    texts = (speaker.id.encode(), speaker.name.encode())
    return b"\x01" + b"".join(len(text).to_bytes(2, "little") + text for text in texts) + pcm


def _label_at(labels: tuple[Label, ...], at_ms: int) -> Label:
    return next(label for label in labels if label.start_ms <= at_ms < label.end_ms)


async def play(meeting: BundledMeeting, ingest_url: str, bot_id: str) -> AsyncGenerator[int]:
    """Send every frame when it would have been captured; yields the position in milliseconds."""
    audio, rate = await asyncio.to_thread(read_audio)
    resampled = soxr.resample(audio, rate, RATE)
    async with connect(f"{ingest_url}/v1/meetstream/audio") as socket:
        ready = {"type": "ready", "bot_id": bot_id, "message": "Ready to receive messages"}
        await socket.send(orjson.dumps(ready).decode())
        began = time.monotonic()
        for frame in frames(meeting, resampled):
            await asyncio.sleep(began + frame.end_ms / 1000 - time.monotonic())
            await socket.send(encode(frame.speaker, frame.pcm))
            yield frame.end_ms
