"""Settings of audio on its way in: ingest, and what sends bots."""

from typing import Literal

from pydantic import Field, SecretStr

from common.settings.section import Section, TlsSettings


class IngestSettings(TlsSettings):
    """Audio in."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8765, ge=0, le=65_535, description="The port to listen on; 0 picks a free one.")
    share_port: bool = Field(
        default=False, description="Let several processes of this machine listen on the port."
    )
    chunk_min_ms: int = Field(
        40, ge=20, le=100, description="Audio that is sent on when a message ends, without waiting for more."
    )
    chunk_max_ms: int = Field(100, ge=20, le=100, description="The longest chunk.")
    gap_ms: int = Field(
        2000,
        ge=200,
        le=60_000,
        description="Audio this far behind time at once is missing: a hole, and a gap.",
    )
    grace_s: float = Field(
        10, ge=0, le=600, description="How long a lost connection may come back, and a meeting is kept open."
    )
    orphan_s: float = Field(
        15,
        ge=2,
        le=3600,
        description="A meeting whose ingest process died is ended so long after its grace.",
    )
    backlog_patience_ms: int = Field(
        2000,
        ge=0,
        le=60_000,
        description="Audio of a live source that Redis refuses this long becomes a gap.",
    )
    start_timeout_s: float = Field(
        10, gt=0, le=600, description="Within this time the first message must come."
    )
    max_message_bytes: int = Field(
        1_500_000, ge=65_536, description="The largest message: 1 MiB of audio, in base64 and JSON."
    )
    max_tracks: int = Field(200, ge=1, le=10_000, description="Speakers in the audio of one meeting.")
    max_connections: int = Field(5000, ge=1, description="Connections of one process.")
    tenant_connections: int = Field(2000, ge=1, description="Connections of one process and tenant.")
    tenant_meetings: int = Field(
        1000, ge=1, description="Meetings of one tenant at once, in all processes; a token may have fewer."
    )
    max_speed: float = Field(
        100, ge=1, le=10_000, description="A connection is read at most so many times faster than real time."
    )
    max_messages_s: float = Field(
        1000, ge=20, le=100_000, description="A connection is read at most so many messages a second."
    )
    meetstream_rate: int = Field(
        48_000, ge=8_000, le=192_000, description="Sample rate of MeetStream's audio."
    )
    meetstream_streams: Literal["mixed", "isolated"] = Field(
        "mixed", description="One signal labelled with the loudest speaker, or a signal for each speaker."
    )
    no_speaker_ms: int = Field(
        1000, ge=0, le=60_000, description="Unlabelled mixed audio goes to the speaker before for this long."
    )


class MeetStreamSettings(Section):
    """Sending bots into meetings. What their audio looks like is in `ingest`."""

    api_key: SecretStr = Field(SecretStr(""), description="Of MeetStream; without it no bots are sent.")
    base_url: str = Field("https://api.meetstream.ai/api/v1", pattern=r"^https?://", description="Its API.")
    ingest_url: str = Field(
        "",
        pattern=r"^(wss?://.+)?$",
        description="Where bots reach ingest from outside, such as wss://ingest.example.org.",
    )
    bot_name: str = Field("Hubbub", min_length=1, max_length=100, description="What bots are called.")
    timeout_s: float = Field(20, gt=0, le=120, description="For an answer of MeetStream, retries included.")
    recording_hours: int = Field(
        24, ge=1, le=8760, description="How long MeetStream keeps its own recording of a meeting."
    )
