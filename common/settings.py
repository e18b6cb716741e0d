"""Every setting of Hubbub, in one typed tree.

Rising order of precedence: defaults, a TOML file (`HUBBUB_CONFIG`), the environment
(`HUBBUB_REDIS__URL`, `HUBBUB_VAD__ENDPOINT_MS`, …), flags of the command line.
"""

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from common.errors import SettingsError
from common.identity import DEFAULT_TENANT
from common.tokens import MIN_LENGTH, Scope


class Section(BaseModel):
    """A frozen part of the tree; an unknown name in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RedisSettings(Section):
    """Where the streams are, and how long they keep what they hold."""

    url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="redis://, redis+cluster://host:port,… or redis+sentinel://host:port,…/service.",
    )
    wait_replicas: int = Field(
        0, ge=0, le=5, description="Replicas that should have what was committed or acknowledged."
    )
    wait_ms: int = Field(
        1000,
        ge=1,
        le=8000,
        description="How long to wait for them: then commits go on, and audio is refused.",
    )
    lease_ms: int = Field(2000, ge=500, description="A crashed owner's shards are free after this time.")
    backlog_limit: int = Field(
        20_000, ge=100, description="Entries in one stream beyond which audio is refused."
    )
    results_retention_s: int = Field(86_400, ge=60)
    results_max_bytes: int = Field(268_435_456, ge=1_048_576, description="Per shard.")
    deferred_max_bytes: int = Field(
        16_777_216,
        ge=1_048_576,
        description="Put-aside speech of a shard beyond which the oldest is given up.",
    )
    deferred_max_age_s: int = Field(3600, ge=10, description="Put-aside speech older than this is given up.")
    ca_file: Path | None = Field(None, description="PEM of who signed the server's certificate, for rediss.")
    cert_file: Path | None = Field(None, description="PEM of our own certificate, where the server asks.")
    key_file: Path | None = Field(None, description="PEM of its key.")
    read_count: int = Field(256, ge=1, le=4096, description="Entries of one stream taken in one read.")

    @property
    def address(self) -> str:
        """The URL with the files that TLS needs; a secret, since there may be a password in it."""
        files = {"ssl_ca_certs": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
        query = urlencode({name: str(path) for name, path in files.items() if path is not None})
        url = self.url.get_secret_value()
        if not query or not url.startswith("rediss"):
            return url
        return f"{url}{'&' if '?' in url else '?'}{query}"


class TlsSettings(Section):
    """A server that can speak TLS itself."""

    tls_cert: Path | None = Field(None, description="PEM file of the certificate chain; with it, TLS only.")
    tls_key: Path | None = Field(None, description="PEM file of its key, where it is not in the same file.")


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


class VadSettings(Section):
    """What counts as speech, and where an utterance ends."""

    mode: int = Field(1, ge=0, le=3, description="How readily webrtcvad drops a frame; 3 drops the most.")
    silero: Literal["auto", "on", "off"] = Field(
        "auto", description="Silero behind webrtcvad; auto: where hubbub[local] is installed."
    )
    enter_probability: float = Field(0.3, gt=0, lt=1, description="Silero's, at which speech begins.")
    stay_probability: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Silero's, at which speech goes on where it stands out of the background.",
    )
    weak_probability: float = Field(
        0.5, gt=0, lt=1, description="Silero's, at which speech goes on where it does not stand out."
    )
    min_speech_ms: int = Field(90, ge=20, le=1000, description="Less speech than this opens no utterance.")
    preroll_ms: int = Field(400, ge=0, le=1000, description="Audio before the first speech that goes along.")
    tail_ms: int = Field(240, ge=0, le=1000, description="Silence behind the last speech that goes along.")
    endpoint_ms: int = Field(250, ge=100, le=5000, description="Silence that ends an utterance.")
    max_utterance_ms: int = Field(
        15_000,
        ge=3000,
        le=28_000,
        description="At the latest here an utterance is split, if it can at a pause.",
    )
    quiet_source_ms: int = Field(
        1500, ge=300, le=30_000, description="A source that sends nothing for this long closes its utterance."
    )


class AsrSettings(Section):
    """How features are cut into windows. Which features they are follows from the emitter's engine."""

    window_ms: int = Field(
        100, ge=40, le=1000, description="Audio of one window; the emitter decides which ones to transcribe."
    )
    first_partial_ms: int = Field(
        400, ge=100, le=5000, description="Speech that an utterance must hold for its first partial."
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose end never comes is finished after this silence."
    )


class EmitterSettings(Section):
    """The models and how they are driven."""

    engine: Literal["whisper", "wav2vec2"] = "whisper"
    model: str = Field(
        "bundled", description="`bundled` (tiny.en, no network), a folder, or a name on the model hub."
    )
    small_model: str | None = Field(
        None, description="A cheaper one for finals where service is reduced to finals; same mel bands."
    )
    mels: Literal[80, 128] = Field(80, description="Mel bands Whisper was trained on; large-v3 has 128.")
    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = Field("int8", description="Number type of the weights, as CTranslate2 names them.")
    threads: int = Field(1, ge=1, le=64, description="Processor threads of one forward pass.")
    quality: Literal["auto", "full", "busy"] = Field(
        "auto",
        description="`auto` follows the load; `full` and `busy` pin it: the same audio, the same text.",
    )
    max_batch: int = Field(8, ge=1, le=256, description="Windows in one forward pass.")
    batch_ms: int = Field(
        700, ge=10, le=10_000, description="Predicted time up to which windows join a forward pass."
    )
    partial_ms: int = Field(
        200,
        ge=100,
        le=30_000,
        description="New speech for which an utterance gets a partial, at full service.",
    )
    final_ms: int = Field(
        250,
        ge=10,
        le=60_000,
        description="Predicted time up to which a final may have a wider beam and a longer context.",
    )
    drafts: bool = Field(
        default=True, description="At full service, compute the final at every pause that may be the end."
    )
    budget_ms: int = Field(
        3000, ge=50, le=60_000, description="Service is reduced when the finals that wait would take longer."
    )
    calm_ms: int = Field(
        5000, ge=100, le=600_000, description="A meeting's service is raised at most once in so long."
    )
    priorities: dict[str, int] = Field(
        default_factory=dict,
        description="Pattern of tenant/meeting to priority (higher first; else 0) when service is reduced.",
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose final window never comes is finished after this."
    )


class PhraseSettings(Section):
    """A phrase to listen for."""

    text: str = Field(min_length=2, max_length=80)
    category: str = Field("custom", min_length=1, max_length=40)
    also: tuple[str, ...] = Field((), max_length=8, description="Other wordings that count as the phrase.")
    threshold: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Likelihood ratio from which the spotter proposes it; 0 follows from its length.",
    )


class KeywordSettings(Section):
    """Phrases to listen for, and how candidates are verified."""

    phrases: tuple[PhraseSettings, ...] = Field(
        (), description="Instead of a file; with neither, the default meeting phrases."
    )
    phrases_file: Path | None = Field(None, description="TOML with [[phrases]] tables.")
    model: str = Field(
        "bundled", description="The verifier: `bundled` (tiny.en), a folder, or a name on the model hub."
    )
    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = Field("int8", description="Number type of the weights, as CTranslate2 names them.")
    threads: int = Field(1, ge=1, le=64, description="Processor threads of one verification.")
    quality: Literal["auto", "full"] = Field(
        "auto", description="`auto` listens to fewer utterances when it falls behind; `full` to all."
    )
    budget_ms: int = Field(
        400, ge=50, le=60_000, description="Predicted delay beyond which fewer utterances are listened to."
    )
    max_batch: int = Field(8, ge=1, le=64, description="Candidates verified in one forward pass.")
    max_utterances: int = Field(
        128, ge=1, le=4096, description="Utterances listened to at once; each takes a decoder of 6 MB."
    )
    patience_s: int = Field(
        15, ge=5, le=600, description="An utterance that gets no more audio is given up after this."
    )


class SentimentSettings(Section):
    """Polarity, tone and mood."""

    engine: Literal["vader", "sst2"] = Field(
        "vader", description="`vader` reads by a lexicon; `sst2` is DistilBERT and needs hubbub[torch]."
    )
    sst2_model: str = Field(
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        description="A folder, or a name on the model hub.",
    )
    half_life_s: float = Field(
        30, ge=1, le=3600, description="An utterance of so long ago weighs half as much in a mood."
    )
    remembered_utterances: int = Field(
        16, ge=2, le=256, description="Tones and texts of a track that its baseline and mood rest on."
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose end never comes is finished after this silence."
    )
    idle_s: int = Field(1800, ge=60, le=86_400, description="A track silent for so long is forgotten.")


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


class TokenSettings(Section):
    """A token that is there from the start, as `hubbub token create` makes them later."""

    tenant: str = Field(DEFAULT_TENANT, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    scopes: tuple[Scope, ...] = Field((Scope.READ,), min_length=1)
    token: SecretStr = Field(min_length=MIN_LENGTH, description="Random text, of `openssl rand -hex 32`.")
    max_meetings: int = Field(0, ge=0, description="Meetings heard at once with it; 0: as for all.")


class AccessSettings(Section):
    """Who is let in by ingest and the gateway."""

    tokens: tuple[TokenSettings, ...] = Field((), description="Tokens besides those in Redis.")
    anonymous: Literal["here", "never", "anywhere"] = Field(
        "here",
        description="Who needs no token: `here`, whoever is on this machine until there is a first token; "
        "`never`, nobody; `anywhere`, everybody, as the tenant `default`.",
    )
    metrics: Literal["here", "anywhere"] = Field(
        "here",
        description="Who may read metrics and health at `metrics_host`: this machine, or whoever reaches it. "
        "They tell of pools and load, nothing of meetings.",
    )

    def token_for(self, scope: Scope) -> TokenSettings | None:
        """A configured token that is good for it, for commands that connect to their own system."""
        return next((token for token in self.tokens if scope in token.scopes), None)


class LogSettings(Section):
    """How processes report."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix="HUBBUB_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    shards: int = Field(32, ge=1, le=4096, description="Fixed in Redis at first start.")
    metrics_host: str = Field("127.0.0.1", description="Where metrics and health are served.")
    metrics_port: int = Field(0, ge=0, le=65_535, description="Metrics and health; 0 picks a free one.")
    redis: RedisSettings = RedisSettings()
    ingest: IngestSettings = IngestSettings()
    vad: VadSettings = VadSettings()
    asr: AsrSettings = AsrSettings()
    emitter: EmitterSettings = EmitterSettings()
    keyword: KeywordSettings = KeywordSettings()
    sentiment: SentimentSettings = SentimentSettings()
    highlights: HighlightSettings = HighlightSettings()
    jobs: JobsSettings = JobsSettings()
    webhooks: WebhookSettings = WebhookSettings()
    gateway: GatewaySettings = GatewaySettings()
    meetstream: MeetStreamSettings = MeetStreamSettings()
    access: AccessSettings = AccessSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over file."""
        path = os.environ.get("HUBBUB_CONFIG")
        if path is None:
            return init_settings, env_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(path))


def load_settings(**overrides: Any) -> Settings:
    """Read the tree once. Raises SettingsError that lists everything wrong with it."""
    path = os.environ.get("HUBBUB_CONFIG")
    if path is not None and not Path(path).is_file():
        raise SettingsError(f"HUBBUB_CONFIG={path}: no such file")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise SettingsError("; ".join(problems)) from error


def settings_for(redis_url: str | None) -> Settings:
    """Settings with another Redis, where a flag names one. Raises SettingsError."""
    return load_settings() if redis_url is None else load_settings(redis={"url": redis_url})
