"""Every setting of Hubbub, in one typed tree.

Rising order of precedence: defaults, a TOML file (`HUBBUB_CONFIG`), the environment
(`HUBBUB_REDIS__URL`, `HUBBUB_VAD__ENDPOINT_MS`, …), flags of the command line.
"""

from common.settings.access import AccessSettings, TokenSettings
from common.settings.audio import IngestSettings, MeetStreamSettings
from common.settings.redis import RedisSettings
from common.settings.results import GatewaySettings, HighlightSettings, JobsSettings, WebhookSettings
from common.settings.section import TlsSettings
from common.settings.speech import (
    AsrSettings,
    EmitterSettings,
    KeywordSettings,
    PhraseSettings,
    SentimentSettings,
    VadSettings,
)
from common.settings.tree import LogSettings, Settings, load_settings, settings_for

__all__ = [
    "AccessSettings",
    "AsrSettings",
    "EmitterSettings",
    "GatewaySettings",
    "HighlightSettings",
    "IngestSettings",
    "JobsSettings",
    "KeywordSettings",
    "LogSettings",
    "MeetStreamSettings",
    "PhraseSettings",
    "RedisSettings",
    "SentimentSettings",
    "Settings",
    "TlsSettings",
    "TokenSettings",
    "VadSettings",
    "WebhookSettings",
    "load_settings",
    "settings_for",
]
