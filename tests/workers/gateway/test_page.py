"""The files of the page. What it does in a browser is in tests/browser."""

import re
from pathlib import Path

import httpx
import pytest

from workers.gateway.routes.page import FOLDER

pytestmark = pytest.mark.integration

IMPORTED = re.compile(r'from "\./([^"]+)"')
LINKED = re.compile(r'(?:src|href)="(/page/[^"]+)"')


async def test_everything_the_page_loads_is_here_and_nothing_else_may(gateway: httpx.AsyncClient) -> None:
    seen, todo = set(), ["/", "/docs"]
    while todo:
        path = todo.pop()
        response = await gateway.get(path)
        assert response.status_code == 200, path
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        if "/vendor/" not in path:
            assert not re.search(r"style=|https?://(?!www\.w3\.org|html\.spec)", response.text), path
        seen.add(path)
        found = LINKED.findall(response.text) + [f"/page/{name}" for name in IMPORTED.findall(response.text)]
        todo += set(found) - seen
    served = {
        f"/page/{path.relative_to(FOLDER)}" for path in FOLDER.rglob("*.*") if path.suffix in {".js", ".css"}
    }
    assert served - seen == set(), "files that no page loads"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_text_from_outside_only_becomes_text(path: Path) -> None:
    written = path.read_text()
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "eval(",
        "srcdoc",
    ):
        assert way not in written


def test_what_others_wrote_comes_with_its_licence() -> None:
    vendor = FOLDER / "vendor"
    for library in {path.stem for path in vendor.iterdir() if path.suffix in {".js", ".css"}}:
        assert "Copyright" in (vendor / f"LICENSE.{library}").read_text()
        assert library in (vendor / "README.md").read_text()
