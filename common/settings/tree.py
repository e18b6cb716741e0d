"""The tree itself, and where it is read from."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from common.errors import SettingsError
from common.settings.access import AccessSettings
from common.settings.audio import IngestSettings, MeetStreamSettings
from common.settings.redis import RedisSettings
from common.settings.results import GatewaySettings, HighlightSettings, JobsSettings, WebhookSettings
from common.settings.section import Section
from common.settings.speech import (
    AsrSettings,
    EmitterSettings,
    KeywordSettings,
    SentimentSettings,
    VadSettings,
)


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
