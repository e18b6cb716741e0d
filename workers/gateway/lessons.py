"""Reference texts on their way to the stage that compares what is said with them."""

from common.clock import unix_ms
from common.errors import HubbubError
from common.identity import Meeting, Speaker
from common.results import Reference
from common.streams.audio_log import AudioLog, MeetingRecord
from common.streams.client import Client
from common.streams.deployment import disabled_pools


class NotEnabled(HubbubError):
    """This deployment has no stage for what was asked."""


class LessonDesk:
    """Announces what is read aloud in a meeting, as a result of it."""

    def __init__(self, redis: Client, log: AudioLog) -> None:
        self._redis, self._log = redis, log

    async def set_reference(self, record: MeetingRecord, text: str, speaker: str) -> Reference:
        """From now on this is read; an empty text ends it. Raises NotEnabled."""
        if "coaching" in await disabled_pools(self._redis):
            raise NotEnabled("this deployment has no coaching: hubbub pools enable coaching")
        reference = _reference(record.meeting, text, speaker, at_ms=unix_ms() - record.started_at_ms)
        await self._log.publish(reference)
        return reference


def _reference(meeting: Meeting, text: str, speaker: str, *, at_ms: int) -> Reference:
    return Reference(
        id=f"{meeting.tenant}/{meeting.id}/reference/{at_ms}",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="",
        speaker=Speaker(speaker, ""),
        start_ms=at_ms,
        end_ms=at_ms,
        emitted_at_ms=unix_ms(),
        text=text,
    )
