"""RQ keeps its queues on one server; that the streams may lie on a cluster is tested elsewhere."""

import pytest
from pydantic import SecretStr

from common.settings import RedisSettings


@pytest.fixture(params=["valkey_url", pytest.param("redis_server_url", marks=pytest.mark.redis_server)])
def redis_settings(request: pytest.FixtureRequest) -> RedisSettings:
    return RedisSettings(url=SecretStr(request.getfixturevalue(request.param)))
