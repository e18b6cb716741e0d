"""Processor time of the vad: its stage alone, its whole process on live tracks, and the bare minimum.

The bare minimum is webrtcvad itself and a bare hop through Redis: XREADGROUP, XACK, and XADD of as
many entries as the vad passes on, with the same client, at the same pace, without a fence, a
decoder or a state. Entries come from a process of their own, a tenth of the tracks every 10 ms.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnxruntime
import redis
from numpy.typing import NDArray

from common.audio import ms_to_samples
from common.embedded import embedded_redis
from common.identity import Meeting, Speaker, Track
from common.logs import configure_logs
from common.messages import AudioChunk
from common.pool import stage_main
from common.service import Service
from common.settings import Settings, VadSettings, load_settings
from common.stage import Entry, EntryId, Stream
from common.streams import keys
from common.streams.client import Client, connect
from common.streams.codec import encode
from common.streams.deployment import join_deployment
from workers.engines.silero import Silero, find_model
from workers.engines.silero_graph import CONTEXT, HOP, STATE
from workers.engines.webrtc import WebrtcVad
from workers.vad.pool import build, load_silero
from workers.vad.stage import VadStage

CHUNK_MS = 100
CHUNK = ms_to_samples(CHUNK_MS)
SLOTS = 10
STAGE_SECONDS = 12
WARM_UP_S = 3
MEASURED_S = 6
RUN_SIZES = (1, 4, 16, 64, 256)
Audio = NDArray[np.int16]


@dataclass(frozen=True)
class Case:
    """Tracks that play `audios` in turn, each from another place on."""

    name: str
    audios: Sequence[Audio]
    settings: VadSettings
    tracks: int

    def track(self, number: int) -> Audio:
        """Endless audio: take it modulo its length, which is a whole number of chunks."""
        audio = self.audios[number % len(self.audios)]
        return np.roll(audio, -number * 7919)[: len(audio) // CHUNK * CHUNK]


@dataclass(frozen=True)
class Load:
    """What a consumer did in the measured time, per chunk it read."""

    microseconds: float
    passed_on: float


def track(number: int) -> Track:
    return Track(Meeting("default", f"benchmark-{number}"), "a", Speaker("a", "A"))


def webrtcvad_us(case: Case) -> float:
    """Of webrtcvad, per chunk."""
    spent = 0.0
    for audio in case.audios:
        vad, pcm = WebrtcVad(case.settings.mode), audio.tobytes()
        before = time.process_time()
        vad.frames(pcm)
        spent += time.process_time() - before
    return spent * 1e6 / (sum(map(len, case.audios)) / CHUNK)


def silero_us() -> dict[str, dict[str, float]]:
    """Of Silero, per hop, by how many hops share a run: of one track as it is bundled, of as many as ours."""
    model = find_model()
    if model is None:
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    bundled = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    silero = Silero(model, gain=1)
    state = {name: np.zeros((1, 1, STATE), np.float32) for name in "hc"}
    rows: dict[str, dict[str, float]] = {"silero as bundled": {}, "silero": {}}
    for size in RUN_SIZES:
        lanes = np.array([silero.open_lane() for _ in range(size)])
        hops = np.random.default_rng(size).normal(0, 3000, (size, HOP)).astype(np.int16)
        inputs = {"input": np.zeros((size, CONTEXT + HOP), np.float32), **state}
        rows["silero as bundled"][str(size)] = _us(partial(bundled.run, None, inputs), size)
        rows["silero"][str(size)] = _us(partial(silero.probabilities, lanes, hops), size)
    return rows


def _us(run: Callable[[], object], hops: int) -> float:
    run()
    times = 1 + 1500 // hops
    before = time.process_time()
    for _ in range(times):
        run()
    return round((time.process_time() - before) * 1e6 / times / hops, 1)


def stage_us(case: Case) -> float:
    """Of the stage, per chunk, where every call brings a chunk of every track."""
    stage = VadStage(case.settings, load_silero(case.settings))
    audios = [case.track(i) for i in range(case.tracks)]
    spent, ticks = 0.0, STAGE_SECONDS * 1000 // CHUNK_MS
    for tick in range(ticks):
        entries = [
            Entry(EntryId(0, Stream.AUDIO, f"{tick}-{i}"), chunk(i, tick, audio))
            for i, audio in enumerate(audios)
        ]
        before = time.process_time()
        stage.process(entries, tick * CHUNK_MS)
        spent += time.process_time() - before
    return spent * 1e6 / (ticks * case.tracks)


def chunk(number: int, tick: int, audio: Audio) -> AudioChunk:
    at = tick * CHUNK
    pcm = audio[at % len(audio) :][:CHUNK].tobytes()
    return AudioChunk(track(number), at, int(time.time() * 1000), pcm)


def pool_load(case: Case) -> Load:
    """Of a process of the vad pool, on live tracks."""

    async def consume(settings: Settings, stop: asyncio.Event) -> None:
        service = Service("vad", settings)
        running = asyncio.create_task(stage_main("vad", build)(settings, service))
        await stop.wait()
        service.stop()
        await running
        await service.redis.aclose()

    return _load(case, consume)


def bare_load(case: Case, *, passed_on: float) -> Load:
    """Of a bare hop."""

    async def consume(settings: Settings, stop: asyncio.Event) -> None:
        client = connect(settings.redis)
        streams = {keys.stream(shard, Stream.AUDIO): ">" for shard in range(settings.shards)}
        owed = 0.0
        while not stop.is_set():
            reply = await client.xreadgroup("vad", "bare", streams, count=256, block=CHUNK_MS)
            pipeline = client.pipeline(transaction=False)
            for name, entries in reply:
                pipeline.xack(name, "vad", *(entry_id for entry_id, _ in entries))
                owed += passed_on * len(entries)
                for _, fields in entries[: int(owed)]:
                    pipeline.xadd(name.replace(Stream.AUDIO.encode(), Stream.SPEECH.encode()), fields)
                owed -= min(int(owed), len(entries))
            await pipeline.execute()
        await client.aclose()

    return _load(case, consume)


def _load(case: Case, consume: Callable[[Settings, asyncio.Event], Awaitable[None]]) -> Load:
    with embedded_redis() as url:
        settings = load_settings(redis={"url": url}, vad=case.settings, log={"level": "error"})
        configure_logs(settings.log, pool="benchmark")
        with _feeding(url, settings.shards, case):
            return asyncio.run(_measured(settings, consume))


async def _measured(
    settings: Settings, consume: Callable[[Settings, asyncio.Event], Awaitable[None]]
) -> Load:
    client, stop = connect(settings.redis), asyncio.Event()
    await join_deployment(client, settings.shards)
    consuming = asyncio.ensure_future(consume(settings, stop))
    await asyncio.sleep(WARM_UP_S)
    before, read, passed_on = time.process_time(), *await _progress(client, settings.shards)
    await asyncio.sleep(MEASURED_S)
    spent = time.process_time() - before
    read_after, passed_on_after = await _progress(client, settings.shards)
    stop.set()
    await consuming
    await client.aclose()
    chunks = read_after - read
    return Load(spent * 1e6 / chunks, (passed_on_after - passed_on) / chunks)


async def _progress(client: Client, shards: int) -> tuple[int, int]:
    """Entries read so far, and passed on."""
    read = passed_on = 0
    for shard in range(shards):
        groups = await client.xinfo_groups(keys.stream(shard, Stream.AUDIO))
        read += sum(group["entries-read"] or 0 for group in groups)
        passed_on += (await client.xinfo_stream(keys.stream(shard, Stream.SPEECH)))["entries-added"]
    return read, passed_on


@contextmanager
def _feeding(url: str, shards: int, case: Case) -> Iterator[None]:
    feeder = multiprocessing.get_context("spawn").Process(target=_feed, args=(url, shards, case))
    feeder.start()
    try:
        yield
    finally:
        feeder.terminate()
        feeder.join()


def _feed(url: str, shards: int, case: Case) -> None:
    client = redis.Redis.from_url(url)
    audios = [case.track(i) for i in range(case.tracks)]
    names = [keys.stream(track(i).meeting.shard(shards), Stream.AUDIO) for i in range(case.tracks)]
    began = time.monotonic()
    for turn in range((WARM_UP_S + MEASURED_S + 60) * 1000 // (CHUNK_MS // SLOTS)):
        pipeline = client.pipeline(transaction=False)
        for i in range(turn % SLOTS, case.tracks, SLOTS):
            flat = encode(chunk(i, turn // SLOTS, audios[i]))
            pipeline.execute_command("XADD", names[i], "*", *flat)
        pipeline.execute()
        time.sleep(max(0.0, began + (turn + 1) * CHUNK_MS / SLOTS / 1000 - time.monotonic()))


def figures(case: Case) -> dict[str, float]:
    """The row of a case."""
    bare_us, pool = webrtcvad_us(case), pool_load(case)
    hop = bare_load(case, passed_on=pool.passed_on)
    return {
        "tracks": case.tracks,
        "webrtcvad_us": round(bare_us, 1),
        "bare_hop_us": round(hop.microseconds, 1),
        "stage_us": round(stage_us(case), 1),
        "process_us": round(pool.microseconds, 1),
        "passed_on": round(pool.passed_on, 2),
        "to_bare": round(pool.microseconds / (bare_us + hop.microseconds), 2),
        "tracks_per_core": int(CHUNK_MS * 1000 / pool.microseconds),
    }
