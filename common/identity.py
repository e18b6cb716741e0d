"""Who a piece of audio belongs to: tenant, meeting, track, speaker."""

import re
import zlib
from dataclasses import dataclass
from hashlib import blake2s

from common.errors import InvalidInput

DEFAULT_TENANT = "default"
MAX_NAME_LENGTH = 200
_MEETING_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:@+=-]{0,127}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whom a platform names as speaking. Both parts are untrusted text."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting of a tenant: the unit of ordering, isolation and deletion."""

    tenant: str
    id: str

    def shard(self, shards: int) -> int:
        """The shard, of `shards`, that carries all entries of this meeting."""
        return zlib.crc32(f"{self.tenant}/{self.id}".encode()) % shards


@dataclass(frozen=True, slots=True)
class Track:
    """One speaker label of a meeting, or its mixed audio: the unit of order."""

    meeting: Meeting
    id: str
    speaker: Speaker

    @property
    def key(self) -> str:
        """Names the track among all tracks of a shard."""
        return f"{self.meeting.tenant}/{self.meeting.id}/{self.id}"

    def utterance_id(self, start: int) -> str:
        """The id of the utterance that starts at sample `start`; always the same for the same audio."""
        return f"{track_digest(self.meeting, self.id)}-{start}"


def track_digest(meeting: Meeting, track_id: str) -> str:
    """How the ids of all utterances of a track begin."""
    key = f"{meeting.tenant}/{meeting.id}/{track_id}"
    return blake2s(key.encode(), digest_size=5).hexdigest()


def parse_tenant(tenant: str) -> str:
    """Check a tenant's name from outside. Raises InvalidInput."""
    if not _TENANT.fullmatch(tenant):
        raise InvalidInput(f"tenant {tenant[:64]!r}: want 1 to 63 of a-z, 0-9 and -")
    return tenant


def parse_meeting(tenant: str, meeting_id: str) -> Meeting:
    """Check names that came from outside. Raises InvalidInput."""
    parse_tenant(tenant)
    if not _MEETING_ID.fullmatch(meeting_id):
        raise InvalidInput(
            f"meeting id {meeting_id[:64]!r}: want 1 to 128 of A-Z, a-z, 0-9 and . _ ~ : @ + = -"
        )
    return Meeting(tenant, meeting_id)


def parse_speaker(speaker_id: str, name: str) -> Speaker:
    """Check a speaker's label from outside. Raises InvalidInput."""
    for value in (speaker_id, name):
        if len(value) > MAX_NAME_LENGTH:
            raise InvalidInput(f"speaker {value[:64]!r}…: longer than {MAX_NAME_LENGTH} characters")
    return Speaker(speaker_id, name or speaker_id)
