"""The client of redis-py for a cluster, made to see a topology that changed."""

from collections.abc import Mapping
from typing import Any, Self

from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.cluster import PRIMARY
from redis.exceptions import AskError, ClusterDownError, ClusterError, RedisClusterException, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.streams.address import Address

_SILENCE_S = 3.0
_MOST_CONNECTIONS = 4096
_STALE = (RedisConnectionError, RedisTimeoutError, ClusterDownError, AskError)
"""Errors that say that the topology may be another one by now. AskError includes its child MovedError."""


class ClusterClient(RedisCluster):
    """Asks for the topology again after whatever failed, also in a pipeline; repeats nothing by itself.

    A node that says nothing is given up sooner than a server alone would be: others have work.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._newcomers: dict[str, ClusterNode] = {}

    @classmethod
    def of(cls, address: Address, options: Mapping[str, Any]) -> Self:
        """A client of the cluster that some of these nodes are of."""
        silence_s = min(_SILENCE_S, options["socket_timeout"])
        options = {**options, "socket_timeout": silence_s, "socket_connect_timeout": silence_s}
        nodes = [ClusterNode(host, port) for host, port in address.nodes[1:]]
        client: Any = cls.from_url(
            address.url(*address.nodes[0]), startup_nodes=nodes, max_connections=_MOST_CONNECTIONS, **options
        )
        return client  # type: ignore[no-any-return]  # redis-py says it is of the parent

    async def initialize(self, *known: Any, **more: Any) -> Self:
        """Learn the topology. Raises ConnectionError where no node of the cluster answers."""
        try:
            await super().initialize(*known, **more)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command, following its slot for a moment. Raises TryAgainError while that is half moved."""
        try:
            return await super().execute_command(*args, **options)
        except ClusterError as error:
            if type(error) is ClusterError:  # not a child of it: redis-py was sent round in circles
                raise TryAgainError(str(error)) from error
            raise

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """One that a slot moves to may have had none before: of such a node redis-py does not know."""
        node = super().get_node(host, port, node_name)
        if node is not None or node_name is None:
            return node
        if node_name not in self._newcomers:
            host, _, number = node_name.rpartition(":")
            manager: Any = self.nodes_manager
            newcomer = ClusterNode(host, int(number), PRIMARY, **manager.connection_kwargs)
            self._newcomers[node_name] = newcomer
        return self._newcomers[node_name]

    async def aclose(self) -> None:
        """Close all connections, also where the topology is to be learnt again; redis-py then leaves them."""
        await super().aclose()
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")
        for newcomer in self._newcomers.values():
            await newcomer.disconnect()

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Commands for any slots in one round trip a node, or for one slot in a transaction."""
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # so is redis-py's own

    def look_again(self) -> None:
        """Before the next command, ask which node serves which slot, as redis-py does for single commands."""
        self._initialize = True


class _Pipeline(ClusterPipeline):
    """redis-py goes on with the topology it had, whatever happens to a pipeline.

    In a transaction it also hands its hint for caching (`keys`) to parsers that do not know it.
    """

    def execute_command(self, *args: Any, **options: Any) -> ClusterPipeline:
        """Append a command."""
        options.pop("keys", None)
        return super().execute_command(*args, **options)

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # the parent's
        client: Any = self.cluster_client
        try:
            replies: list[Any] = await super().execute(raise_on_error, allow_redirections)
        except _STALE:
            client.look_again()
            raise
        if any(isinstance(reply, _STALE) for reply in replies):
            client.look_again()
        return replies
