"""What all sections of the settings have in common."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen part of the tree; an unknown name in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsSettings(Section):
    """A server that can speak TLS itself."""

    tls_cert: Path | None = Field(None, description="PEM file of the certificate chain; with it, TLS only.")
    tls_key: Path | None = Field(None, description="PEM file of its key, where it is not in the same file.")
