"""Clients that speak for a recording in real time and note when each text reaches them."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from common.audio import SAMPLE_RATE, ms_to_samples

CHUNK_MS = 100
QUIET_S = 15
"""How long nothing new ends a client: what WhisperLive's own client waits."""
PATIENCE_S = 120
ADMITTED_WITHIN_S = 60
CONNECTION: dict[str, Any] = {"max_queue": None, "ping_interval": None}
"""A loaded server may be slow to answer a ping, and that is not what is measured."""
Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Shown:
    """What a reader sees from `at_s` on, in seconds since the first sample: texts by start in ms."""

    at_s: float
    texts: Mapping[int, str]


@dataclass
class Session:
    """What reached one client: everything it was shown, and the text it was left with."""

    began_s: float = 0.0
    shown: list[Shown] = field(default_factory=list)
    final: dict[int, str] = field(default_factory=dict)

    def show(self, texts: Mapping[int, str]) -> bool:
        """The reader sees these texts from now on; whether they are new."""
        if self.shown and self.shown[-1].texts == texts:
            return False
        self.shown.append(Shown(time.monotonic() - self.began_s, dict(texts)))
        return True


class Wire(Protocol):
    """A system's sockets for one client."""

    async def send(self, samples: Samples) -> None:
        """Audio that has just been captured."""

    async def end(self) -> None:
        """No more audio."""

    async def message(self) -> dict[str, Any]:
        """What the system says next; may be cancelled without losing any of it."""

    def receive(self, message: dict[str, Any], session: Session) -> bool:
        """Take a message in; whether it told anything new."""


class WhisperLive:
    """One socket both ways: float32 audio in, the last segments out."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._completed: dict[int, str] = {}

    async def send(self, samples: Samples) -> None:
        """As float32, which is its default."""
        await self._socket.send((samples.astype(np.float32) / 32768).tobytes())

    async def end(self) -> None:
        """Its client says the end of the audio only once it stops listening."""

    async def message(self) -> dict[str, Any]:
        """Segments, mostly."""
        return decoded(await self._socket.recv())

    def receive(self, message: dict[str, Any], session: Session) -> bool:
        """A message shows the last completed segments, and one that may still change."""
        if "segments" not in message:
            return False
        current: dict[int, str] = {}
        for segment in message["segments"]:
            start_ms = round(float(segment["start"]) * 1000)
            (self._completed if segment.get("completed") else current)[start_ms] = segment["text"]
        session.final = {**current, **self._completed}
        return session.show(session.final)


async def whisper_live(url: str, audio: Samples, name: str) -> Session:
    """Play a recording to WhisperLive with its client's defaults. Raises where it turns us away."""
    options = {"uid": name, "language": "en", "task": "transcribe", "model": "tiny.en", "use_vad": True}
    async with connect(url, **CONNECTION) as socket:
        await socket.send(json.dumps(options))
        greeting = json.loads(await asyncio.wait_for(socket.recv(), ADMITTED_WITHIN_S))
        if greeting.get("message") != "SERVER_READY":
            raise RuntimeError(f"instead of SERVER_READY: {greeting}")
        session = await play(WhisperLive(socket), audio)
        await socket.send(b"END_OF_AUDIO")
        return session


class Hubbub:
    """A socket for the audio, and one of the gateway for the results, which opens with the first audio."""

    def __init__(self, audio: ClientConnection, results_url: str) -> None:
        self._audio, self._results_url = audio, results_url
        self._results: ClientConnection | None = None
        self._texts: dict[int, str] = {}

    async def send(self, samples: Samples) -> None:
        """As it is."""
        await self._audio.send(samples.tobytes())

    async def end(self) -> None:
        """Its source is done; results go on."""
        await self._audio.send(json.dumps({"type": "end"}))

    async def message(self) -> dict[str, Any]:
        """A result, or a heartbeat."""
        if self._results is None:
            self._results = await self._follow()
        return decoded(await self._results.recv())

    async def _follow(self) -> ClientConnection:
        """The gateway does not know a meeting before its first audio; it sends what was stored since."""
        while True:
            try:
                return await connect(self._results_url, **CONNECTION)
            except InvalidStatus:
                await asyncio.sleep(CHUNK_MS / 1000)

    def receive(self, message: dict[str, Any], session: Session) -> bool:
        """A transcript takes the place of the earlier ones of its utterance."""
        if message["type"] != "transcript":
            return False
        result = message["result"]
        self._texts[result["start_ms"]] = result["text"]
        if result["status"] == "final":
            session.final[result["start_ms"]] = result["text"]
        return session.show(self._texts)

    async def close(self) -> None:
        """Stop following."""
        if self._results:
            await self._results.close()


async def hubbub(ingest: str, gateway: str, audio: Samples, name: str) -> Session:
    """Play a recording to Hubbub as 16 kHz binary messages."""
    results_url = gateway.replace("http", "ws", 1) + f"/v1/meetings/{name}/live?types=transcript"
    async with connect(f"{ingest}/v1/meetings/{name}/audio", **CONNECTION) as sending:
        await sending.send(json.dumps({"type": "start", "sample_rate": SAMPLE_RATE}))
        wire = Hubbub(sending, results_url)
        try:
            return await play(wire, audio)
        finally:
            await wire.close()


async def play(wire: Wire, audio: Samples) -> Session:
    """Send each chunk when its last sample has been captured; listen until nothing comes any more."""
    session = Session(time.monotonic())
    sent = asyncio.Event()
    listening = asyncio.create_task(_listen(wire, session, sent))
    try:
        for begin in range(0, len(audio), ms_to_samples(CHUNK_MS)):
            chunk = audio[begin : begin + ms_to_samples(CHUNK_MS)]
            due_s = session.began_s + (begin + len(chunk)) / SAMPLE_RATE
            await asyncio.sleep(due_s - time.monotonic())
            await wire.send(chunk)
        await wire.end()
        sent.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(listening, PATIENCE_S)
        return session
    finally:
        listening.cancel()


async def _listen(wire: Wire, session: Session, sent: asyncio.Event) -> None:
    """Until, with all audio sent, nothing new has been told for a while."""
    while True:
        try:
            async with asyncio.timeout(QUIET_S):
                while not wire.receive(await wire.message(), session):
                    pass
        except TimeoutError:
            if sent.is_set():
                return


def decoded(message: str | bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message)
    return body


def texts_in_order(texts: Iterable[tuple[int, str]]) -> str:
    """What stands there, read from the first start to the last."""
    return " ".join(text for _, text in sorted(texts))
