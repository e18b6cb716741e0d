"""Settings of the connection to Redis, and of what it keeps."""

from pathlib import Path
from urllib.parse import urlencode

from pydantic import Field, SecretStr

from common.settings.section import Section


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
