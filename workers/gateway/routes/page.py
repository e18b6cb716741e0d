"""The web page: files as they are, no build step."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent.parent / "page"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """The page."""
    return FileResponse(FOLDER / "index.html")


@router.get("/docs")
async def docs() -> FileResponse:
    """The interfaces, for people."""
    return FileResponse(FOLDER / "docs.html")


def mount_files(app: FastAPI) -> None:
    """Serve what the pages load."""
    app.mount("/page", StaticFiles(directory=FOLDER))
