"""How an owner of shards reaches Redis."""

from common.settings import RedisSettings
from common.streams.address import parse_address
from common.streams.cluster_link import ClusterLink
from common.streams.link import Link
from common.streams.wire import Wire


def link_to(settings: RedisSettings) -> Link:
    """One connection to a server, whichever Sentinels say it is; or the many of a cluster."""
    address = parse_address(settings.address)
    return ClusterLink(settings) if address.kind == "cluster" else Wire(settings)
