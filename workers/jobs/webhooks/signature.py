"""Signatures as Standard Webhooks has them (github.com/standard-webhooks/standard-webhooks, version 1).

The key is what the secret spells in base64, and signs the id, the time and the body, joined by
dots. One signature for each secret in force, so that a secret can be replaced without a break.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from common.webhooks import secret_bytes

_AGENT = f"Hubbub/{version('hubbub')}"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is posted; `id` is the idempotency key."""

    id: str
    body: bytes


def sign(secret: str, letter: Letter, at_s: int) -> str:
    """The signature of one secret."""
    signed = b".".join((letter.id.encode(), str(at_s).encode(), letter.body))
    digest = hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(letter: Letter, secrets: Sequence[str], at_s: int) -> Mapping[str, str]:
    """The headers of one attempt, made at that Unix time in seconds."""
    return {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "webhook-id": letter.id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(sign(secret, letter, at_s) for secret in secrets),
    }
