"""Where RQ's queues lie: on one server, which need not be that of the streams."""

from typing import Any

from redis import Redis
from redis.sentinel import Sentinel

from common.errors import SettingsError
from common.settings import Settings
from common.streams.address import parse_address

TIMEOUT_S = 10


def connect_queues(settings: Settings) -> Redis:
    """A connection for RQ. Raises SettingsError where there is but a cluster, which RQ cannot work on."""
    url = settings.redis.model_copy(update={"url": settings.jobs.redis_url or settings.redis.url}).address
    address = parse_address(url)
    options: dict[str, Any] = {"socket_connect_timeout": TIMEOUT_S, "socket_timeout": TIMEOUT_S}
    if address.kind == "cluster":
        raise SettingsError(
            "jobs.redis_url: RQ cannot keep its queues on a cluster; name a server, a small one will do"
        )
    if address.kind == "server":
        return Redis.from_url(url, **options)
    sentinels: Any = Sentinel(address.nodes, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # redis-py
    primary: Redis = sentinels.master_for(address.service, **address.login, **options)
    return primary
