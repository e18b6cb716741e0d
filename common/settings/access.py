"""Settings of who is let in."""

from typing import Literal

from pydantic import Field, SecretStr

from common.identity import DEFAULT_TENANT
from common.settings.section import Section
from common.tokens import MIN_LENGTH, Scope


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
