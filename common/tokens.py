"""Tokens: who may do what for which tenant.

A token is 256 random bits, known to its holder alone; kept is its SHA-256. That suffices where a
password would need a slow hash: nobody can try out 2^256 texts, so there is nothing to slow down.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from common.errors import InvalidInput
from common.identity import Meeting

PREFIX = "hubbub_"
"""Tells people, and scanners of source code, what a leaked text is."""
MIN_LENGTH = 20
_RANDOM_BYTES = 32
_ID_LENGTH = 16


class Scope(StrEnum):
    """What a token is good for. None includes another."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token. Times are Unix time; `expires_at_ms` None is never.

    `id` is for people and logs: it tells nothing about the token. `max_meetings` 0 leaves it to the
    settings how many meetings may be heard at once.
    """

    id: str
    digest: str
    tenant: str
    scopes: frozenset[Scope]
    created_at_ms: int
    expires_at_ms: int | None = None
    note: str = ""
    max_meetings: int = 0

    def fits(self, text: str, now_ms: int) -> bool:
        """Whether a text is this token and it is still good, in a time that tells nothing of either."""
        is_same = hmac.compare_digest(digest_of(text), self.digest)
        return is_same and (self.expires_at_ms is None or now_ms < self.expires_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody may do here, and by which token; without one, `token_id` is empty."""

    tenant: str
    scopes: frozenset[Scope]
    token_id: str = ""
    max_meetings: int = 0

    @property
    def name(self) -> str:
        """Who it is, for logs and the audit log."""
        return f"{self.tenant}/{self.token_id or 'anonymous'}"

    def owns(self, meeting: Meeting) -> bool:
        """Whether a meeting is of the grant's tenant."""
        return meeting.tenant == self.tenant


def new_text() -> str:
    """The text of a new token; fit for headers, addresses and paths."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(text: str) -> str:
    """What is kept of a token's text."""
    return sha256(text.encode()).hexdigest()


def id_of(text: str) -> str:
    """The id of the token with this text; nobody can find another text with the same."""
    return digest_of(text)[:_ID_LENGTH]


def parse_scope(text: str) -> Scope:
    """A scope by its name. Raises InvalidInput."""
    try:
        return Scope(text)
    except ValueError:
        raise InvalidInput(f"scope {text[:40]!r}: want one of {', '.join(Scope)}") from None
