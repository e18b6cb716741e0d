"""Audio in the body of a request."""

import asyncio
import io
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
import soundfile

from common.settings import IngestSettings
from tests.ingest.kit import Ingest, serving

SAMPLES = np.random.default_rng(4).integers(-9_000, 9_000, 48_000).astype("<i2")


def wav(rate: int = 16_000) -> bytes:
    body = io.BytesIO()
    soundfile.write(body, SAMPLES, rate, format="WAV")
    return body.getvalue()


async def post(
    ingest: Ingest,
    content: bytes | AsyncIterator[bytes],
    kind: str = "audio/wav",
    path: str = "/v1/meetings/m/audio",
) -> httpx.Response:
    async with httpx.AsyncClient(base_url=ingest.http_url) as client:
        return await client.post(path, content=content, headers={"content-type": kind})


async def test_wav_is_taken_whole(ingest: Ingest) -> None:
    response = await post(ingest, wav())
    assert response.json() == {"meeting": "m", "samples": 48_000, "seconds": 3.0}
    assert ingest.sink.pcm("m", "mixed") == SAMPLES.tobytes()
    assert ingest.sink.track("m", "mixed")[-1].pause == "end"


async def test_l16_is_in_network_byte_order(ingest: Ingest) -> None:
    response = await post(ingest, SAMPLES.byteswap().tobytes(), "audio/L16;rate=16000;channels=1")
    assert response.json()["samples"] == 48_000
    assert ingest.sink.pcm("m", "mixed") == SAMPLES.tobytes()


async def test_body_is_taken_as_it_comes(ingest: Ingest) -> None:
    arrived = []

    async def slowly() -> AsyncIterator[bytes]:
        body = wav(48_000)
        for start in range(0, len(body), 9_601):
            yield body[start : start + 9_601]
            await asyncio.sleep(0.01)
            arrived.append(ingest.sink.samples("m"))

    response = await post(ingest, slowly())
    assert response.json()["samples"] == 16_000
    assert 0 < arrived[len(arrived) // 2] < 16_000
    assert ingest.sink.track("m", "mixed")[-1].end == 16_000


async def test_slow_body_has_no_holes() -> None:
    """A file over a bad network misses nothing."""

    async def stalling() -> AsyncIterator[bytes]:
        yield wav()[:20_000]
        await asyncio.sleep(1)
        yield wav()[20_000:23_200]
        await asyncio.sleep(0.05)
        yield wav()[23_200:]

    async with serving(IngestSettings(port=0, gap_ms=200)) as ingest:
        assert (await post(ingest, stalling())).status_code == 200
        assert ingest.sink.track("m", "mixed")[-1].end == 48_000
        assert ("gap", "mixed") not in ingest.sink.statuses("m")


async def test_speaker_comes_from_the_query(ingest: Ingest) -> None:
    await post(ingest, wav(), path="/v1/meetings/m/audio?speaker_id=s&speaker_name=Ann")
    assert ingest.sink.track("m", "s")[0].track.speaker.name == "Ann"


async def test_redis_that_is_full_makes_an_upload_wait(ingest: Ingest) -> None:
    ingest.sink.full.add("m")
    upload = asyncio.create_task(post(ingest, wav()))
    await asyncio.sleep(0.3)
    assert not upload.done()
    ingest.sink.full.clear()
    assert (await upload).status_code == 200
    assert ingest.sink.samples("m") == 48_000


@pytest.mark.parametrize(
    ("content", "kind", "path", "refusal"),
    [
        (wav(), "audio/mpeg", "/v1/meetings/m/audio", (415, "message_type")),
        (wav(), "", "/v1/meetings/m/audio", (415, "message_type")),
        (wav(), "audio/L16", "/v1/meetings/m/audio", (400, "format")),
        (wav(), "audio/L16;rate=0", "/v1/meetings/m/audio", (400, "format")),
        (b"fLaC" + wav(), "audio/wav", "/v1/meetings/m/audio", (400, "frame")),
        (wav()[:-1], "audio/wav", "/v1/meetings/m/audio", (400, "odd_bytes")),
        (wav(), "audio/wav", "/v1/meetings/two%20words/audio", (400, "name")),
        (wav(), "audio/wav", f"/v1/meetings/{'m' * 10_000}/audio", (400, "name")),
        (wav(), "audio/wav", f"/v1/meetings/m/audio?speaker_id={'s' * 500}", (400, "name")),
    ],
)
async def test_bad_upload_is_refused_with_a_reason(
    ingest: Ingest, content: bytes, kind: str, path: str, refusal: tuple[int, str]
) -> None:
    response = await post(ingest, content, kind, path)
    assert (response.status_code, response.json()["error"]["reason"]) == refusal
    assert response.json()["samples"] * 2 == len(ingest.sink.pcm("m", "mixed"))


async def test_second_upload_of_the_same_speaker_conflicts(ingest: Ingest) -> None:
    going_on = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield wav()[:50_000]
        await going_on.wait()
        yield wav()[50_000:]

    first = asyncio.create_task(post(ingest, held()))
    await ingest.until(lambda: ingest.sink.chunks, "the first upload is under way")
    second = await post(ingest, wav())
    assert (second.status_code, second.json()["error"]["reason"]) == (409, "conflict")
    going_on.set()
    assert (await first).json()["samples"] == 48_000
