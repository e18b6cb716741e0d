import asyncio
import re
from urllib.parse import urlsplit

import httpx
import pytest

from benchmarks.fanout import LAST, MEETING, Reader, as_fields, report, result
from common.results import Transcript
from tests.kit import eventually

pytestmark = pytest.mark.integration

READERS = 120
RESULTS = 100


async def test_no_reader_of_a_busy_meeting_misses_a_final(gateway: httpx.AsyncClient, publish) -> None:
    """The benchmark of 500 readers, smaller."""
    await publish([result(0)])
    readers, ends = await connected(gateway)

    async def admitted() -> object:
        figures = (await gateway.get("/metrics")).text
        return re.search(rf"^hubbub_gateway_readers {READERS}\.0$", figures, re.MULTILINE) is not None

    await eventually("all readers are there", admitted, within_s=60)
    await publish([result(number) for number in range(1, RESULTS)])
    await publish([Transcript(**{**as_fields(result(0)), "id": LAST})])
    async with asyncio.timeout(120):
        await asyncio.gather(*(end.wait() for end in ends))
    told = report(readers)
    assert told["wrong_readers"] == 0
    assert told["finals"] == RESULTS // 10
    assert told["delivered"] == READERS * (RESULTS + 1)


async def connected(gateway: httpx.AsyncClient) -> tuple[list[Reader], list[asyncio.Event]]:
    url = urlsplit(str(gateway.base_url))
    request = f"GET /v1/meetings/{MEETING.id}/events?types=transcript HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n"
    readers, ends = [], []
    for _ in range(READERS):
        ends.append(asyncio.Event())
        reader = Reader(request.encode(), ends[-1])
        await asyncio.get_running_loop().create_connection(lambda r=reader: r, url.hostname, url.port)
        readers.append(reader)
    return readers, ends
