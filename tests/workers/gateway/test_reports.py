import httpx
import pytest
from scripted_meeting import MEETING, SHARDS

from common.clock import unix_ms
from common.results import Result
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.meeting_reports import MOST_TRIES, TAKEN_MS, BuiltReport, ReportShelf

pytestmark = pytest.mark.integration
REPORT = "/v1/meetings/standup/report"
FILES = {"json": b"{}", "html": b"<p>page</p>", "md": b"# standup", "svg": b"<svg/>", "pdf": b"%PDF-1.4"}


@pytest.fixture
def shelf(redis: Client) -> ReportShelf:
    return ReportShelf(redis, SHARDS)


async def build(shelf: ReportShelf, *, ended: bool, age_ms: int = 0, as_of: str = "1-0") -> None:
    """What the jobs do with an order."""
    [order] = await shelf.take(unix_ms(), limit=4)
    await shelf.store(order, BuiltReport(as_of, unix_ms() - age_ms, ended, FILES), keep_s=60)


async def test_a_report_is_built_on_request_and_then_served(
    gateway: httpx.AsyncClient, standup: list[Result], log: AudioLog, shelf: ReportShelf
) -> None:
    await log.end_meeting(MEETING, unix_ms())
    for _ in range(2):
        waiting = await gateway.get(REPORT)
        assert (waiting.status_code, waiting.json()) == (202, {"status": "building"})
        assert int(waiting.headers["retry-after"]) > 0
    await build(shelf, ended=True)
    assert (await gateway.get(REPORT)).json() == {}
    for extension, content in FILES.items():
        response = await gateway.get(f"{REPORT}.{extension}")
        assert (response.status_code, response.content) == (200, content)
    assert response.headers["content-type"] == "application/pdf"


async def test_the_page_may_have_its_own_style_and_no_script(
    gateway: httpx.AsyncClient, standup: list[Result], shelf: ReportShelf
) -> None:
    await gateway.get(f"{REPORT}.html")
    await build(shelf, ended=False)
    page = await gateway.get(f"{REPORT}.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "style-src 'unsafe-inline'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_a_live_meeting_gets_a_recent_report(
    gateway: httpx.AsyncClient, standup: list[Result], shelf: ReportShelf
) -> None:
    await gateway.get(f"{REPORT}.md")
    await build(shelf, ended=False, age_ms=120_000)
    assert (await gateway.get(f"{REPORT}.md")).status_code == 202
    await build(shelf, ended=False, as_of="2-0")
    assert (await gateway.get(f"{REPORT}.md")).status_code == 200


async def test_a_report_made_before_the_end_is_no_report_of_the_whole(
    gateway: httpx.AsyncClient, standup: list[Result], log: AudioLog, shelf: ReportShelf
) -> None:
    await gateway.get(REPORT)
    await build(shelf, ended=False)
    await log.end_meeting(MEETING, unix_ms())
    assert (await gateway.get(REPORT)).status_code == 202
    await build(shelf, ended=True, as_of="2-0")
    assert (await gateway.get(REPORT)).status_code == 200


async def test_a_report_that_cannot_be_built_says_so(
    gateway: httpx.AsyncClient, standup: list[Result], shelf: ReportShelf
) -> None:
    await gateway.get(REPORT)
    now_ms = unix_ms()
    for attempt in range(MOST_TRIES + 1):
        [order] = await shelf.take(now_ms + attempt * (TAKEN_MS + 1), limit=4)
        await shelf.begin(order)
    failed = await gateway.get(REPORT)
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "report_failed")


async def test_no_report_of_the_unknown_or_in_another_format(
    gateway: httpx.AsyncClient, standup: list[Result]
) -> None:
    assert (await gateway.get("/v1/meetings/unknown/report")).status_code == 404
    assert (await gateway.get(f"{REPORT}.docx")).status_code == 400
