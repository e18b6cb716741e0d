"""Settings of what is made of results, and of how they get out."""

from pathlib import Path

from pydantic import Field, IPvAnyNetwork, SecretStr

from common.settings.section import Section, TlsSettings


class HighlightSettings(Section):
    """What is worth coming back to."""

    answer_s: int = Field(
        15, ge=2, le=60, description="A question to which nobody says anything in so long is left open."
    )
    strong_words: int = Field(4, ge=1, le=100, description="Shorter utterances are no strong moments.")
    strong_polarity: float = Field(
        0.8, ge=0.1, le=1, description="Words so good or so bad make a strong moment."
    )
    strong_arousal: float = Field(
        0.75, ge=0.1, le=1, description="A voice so excited does, if it is loud as well."
    )
    strong_energy_z: float = Field(
        1.5, ge=0, le=10, description="Loud: so many deviations above the speaker's usual level."
    )


class JobsSettings(Section):
    """Background work."""

    redis_url: SecretStr | None = Field(
        None, description="The server of the queues, if not that of the streams: a cluster cannot be it."
    )
    queues: tuple[str, ...] = Field(
        ("hubbub",), min_length=1, description="RQ queues to work on, the most urgent first."
    )


class WebhookSettings(Section):
    """Results posted to other services' addresses."""

    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Private networks that may receive webhooks, over plain http too."
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names that may, wherever they lead; for receivers inside."
    )
    ca_file: Path | None = Field(None, description="Certificates to trust besides the usual ones, in PEM.")
    max_subscriptions: int = Field(50, ge=1, le=10_000, description="Of one tenant.")
    turns: int = Field(64, ge=1, le=1000, description="Receivers served at once by one process.")
    concurrency: int = Field(8, ge=1, le=64, description="Requests at once to one receiver that does well.")
    timeout_s: float = Field(10, ge=0.1, le=12, description="Within this time a receiver must answer.")
    max_attempts: int = Field(12, ge=1, le=100, description="After these a delivery is a dead letter.")
    max_age_s: int = Field(43_200, ge=1, description="At this age a delivery is a dead letter.")
    retry_min_s: float = Field(2, ge=0.01, le=3600, description="The first pause before another attempt.")
    retry_max_s: float = Field(3600, ge=0.01, le=86_400, description="The longest.")
    disable_after_s: int = Field(
        86_400, ge=1, description="A receiver that fails for so long gets nothing until it is enabled again."
    )
    max_waiting: int = Field(
        10_000, ge=10, description="Deliveries of a subscription that wait; more are dropped, and counted."
    )
    kept: int = Field(1000, ge=10, le=100_000, description="Delivered ones, and dead letters, to look at.")


class GatewaySettings(TlsSettings):
    """Results out."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8780, ge=0, le=65_535)
    share_port: bool = Field(
        default=False, description="Let several processes of this machine listen on the port."
    )
    reader_buffer: int = Field(
        2000,
        ge=1,
        le=100_000,
        description="Results a live reader may lag behind before it is sent to resume.",
    )
    max_readers: int = Field(2000, ge=1, le=100_000, description="Live readers of one process.")
    heartbeat_s: float = Field(15, gt=0, le=300, description="A quiet live connection says so this often.")
    stalled_reader_s: int = Field(
        60, ge=1, le=3600, description="A connection whose reader takes nothing for so long is cut."
    )
