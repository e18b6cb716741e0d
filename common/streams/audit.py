"""What was administered, by whom and when: one stream, bounded, without secrets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from common.identity import Meeting
from common.streams import keys
from common.streams.client import Client

KEPT = 10_000
_PAGE = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`actor` did `action` to `subject` at a Unix time."""

    at_ms: int
    actor: str
    action: str
    subject: str


class AuditLog:
    """Writes and reads it. Whoever acts writes first, so that nothing was done unseen."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def record(self, actor: str, action: str, *, subject: str) -> None:
        """Say what is about to be done. Names only, never a token or another secret."""
        fields = {"actor": actor, "action": action, "subject": subject}
        await self._redis.xadd(keys.AUDIT, fields, maxlen=KEPT, approximate=True)

    async def entries(self) -> AsyncIterator[AuditEntry]:
        """All that is kept, oldest first."""
        after = "-"
        while page := await self._redis.xrange(keys.AUDIT, after, "+", _PAGE):
            for entry_id, fields in page:
                yield _parse(entry_id, fields)
            after = f"({page[-1][0].decode()}"


def traceless(meeting: Meeting) -> str:
    """A meeting's name in the audit log: whoever knows it finds it, nobody learns it from there."""
    digest = sha256(f"{meeting.tenant}/{meeting.id}".encode()).hexdigest()
    return f"{meeting.tenant}/sha256:{digest[:16]}"


def _parse(entry_id: bytes, fields: dict[bytes, bytes]) -> AuditEntry:
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return AuditEntry(int(entry_id.split(b"-")[0]), text["actor"], text["action"], text["subject"])
