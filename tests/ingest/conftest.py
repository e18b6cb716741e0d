"""The ingest server that tests talk to."""

from collections.abc import AsyncIterator

import pytest

from common.settings import IngestSettings
from tests.ingest.kit import Ingest, serving


@pytest.fixture
async def ingest() -> AsyncIterator[Ingest]:
    """With grace so short that tests see meetings end."""
    settings = IngestSettings(port=0, grace_s=0.3, backlog_patience_ms=100, start_timeout_s=0.5)
    async with serving(settings) as running:
        yield running
