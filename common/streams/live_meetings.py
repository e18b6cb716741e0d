"""Which meetings of a tenant are heard now, in any process: what a tenant's limit is counted by."""

from collections import defaultdict
from collections.abc import Iterable

from common.identity import Meeting
from common.streams import keys
from common.streams.client import Client
from common.streams.scripts import Arg, run_script


class LiveMeetings:
    """A meeting counts from `enter` until nobody has said `stay` for `silence_ms`."""

    def __init__(self, redis: Client, silence_ms: int) -> None:
        self._redis = redis
        self._silence_ms = silence_ms

    async def enter(self, meeting: Meeting, most: int) -> bool:
        """Count a meeting unless its tenant has so many others; False where it has. Raises RedisError."""
        return await self._enter(meeting.tenant, [meeting.id], most)

    async def stay(self, meetings: Iterable[Meeting]) -> None:
        """Say that these are still heard. Raises RedisError."""
        by_tenant: dict[str, list[str]] = defaultdict(list)
        for meeting in meetings:
            by_tenant[meeting.tenant].append(meeting.id)
        for tenant, ids in by_tenant.items():
            await self._enter(tenant, ids, 0)

    async def _enter(self, tenant: str, ids: list[str], most: int) -> bool:
        args: list[Arg] = [most, self._silence_ms, *ids]
        verdict: bytes = await run_script(self._redis, "enter", [keys.live(tenant)], args)
        return verdict == b"OK"
