"""Connections that are lost in unlucky moments."""

import asyncio

import pytest
import uvloop
from pydantic import SecretStr

from common.settings import RedisSettings
from common.streams.client import PASSING, connect

pytestmark = pytest.mark.integration


def test_a_transport_that_closes_under_a_command_is_a_lost_connection(valkey_url: str) -> None:
    async def send_on_a_closed_transport() -> None:
        client = connect(RedisSettings(url=SecretStr(valkey_url)))
        connection = await client.connection_pool.get_connection()
        connection._writer.transport.abort()
        await asyncio.sleep(0.05)
        try:
            with pytest.raises(PASSING):
                await connection.send_packed_command([b"PING"], check_health=False)
        finally:
            await client.connection_pool.release(connection)
            await client.aclose()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send_on_a_closed_transport())
