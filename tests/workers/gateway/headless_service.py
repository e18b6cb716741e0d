"""A process in this process."""

import asyncio

from common.service import Service
from common.settings import Settings


class HeadlessService(Service):
    """A service without signals and health page; says when and where it is ready."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("gateway", settings)
        self.serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(self, url: str = "") -> None:
        super().ready(url)
        self.serving.set_result(url)
