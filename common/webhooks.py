"""Webhooks as values: which results go to which address, and what became of each delivery."""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

import orjson
from pydantic import TypeAdapter

from common.errors import InvalidInput
from common.results import TYPES

SECRET_PREFIX = "whsec_"  # noqa: S105  # not one, only how they begin
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
DEFAULT_EVENTS = ("transcript.final", "keyword", "highlight", "status")
LEFT_OUT_UNLESS_NAMED = frozenset({"transcript.partial"})
TEST_EVENT = "test"
KEPT_ATTEMPTS = 10
_KINDS = ("status", "state", "source", "event", "kind")

Format = Literal["json", "slack"]
State = Literal["waiting", "delivered", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Results that a tenant wants posted to an address. Times are Unix time.

    `meetings` are patterns, and none means all; `phrases` and `categories` narrow the keywords.
    A secret that was replaced signs along until `old_secret_until_ms`.
    """

    id: str
    tenant: str
    url: str
    created_at_ms: int
    secret: str = field(repr=False)
    events: tuple[str, ...] = DEFAULT_EVENTS
    meetings: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    format: Format = "json"
    description: str = ""
    old_secret: str = field(default="", repr=False)
    old_secret_until_ms: int = 0

    def secrets(self, now_ms: int) -> tuple[str, ...]:
        """Those that sign now, the newest first."""
        return (self.secret, self.old_secret) if now_ms < self.old_secret_until_ms else (self.secret,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request: when, how long, and the status it was answered with, or why there was no answer.

    `error` is empty where the delivery succeeded.
    """

    at_ms: int
    took_ms: int
    status: int | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A result on its way to one address; `id` is the idempotency key. Times are Unix time.

    It names the result by the `entry` of its shard's stream and holds nothing of it, so that
    nothing of a meeting outlives the meeting here. `tries` counts since `since_ms`, which is when
    it was made or last asked for again; `attempts` are the last ones.
    """

    id: str
    event: str
    meeting: str
    shard: int
    entry: str
    made_at_ms: int
    since_ms: int
    state: State = "waiting"
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a receiver has done: failures in a row, since when, and the last error."""

    failures: int = 0
    failing_since_ms: int = 0
    last_success_ms: int = 0
    last_error: str = ""


def new_secret() -> str:
    """A fresh secret, as Standard Webhooks spells them."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for. Raises InvalidInput."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise InvalidInput(
            f"secret: want {SECRET_PREFIX} and {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes in base64"
        )
    return key


@cache
def event_names() -> frozenset[str]:
    """Every event there is: types of results, and their kinds behind a dot."""
    names = set(TYPES)
    for name, cls in TYPES.items():
        hints = get_type_hints(cls)
        kinds = next((get_args(hints[kind]) for kind in _KINDS if kind in hints), ())
        names.update(f"{name}.{kind}" for kind in kinds)
    return frozenset(names)


def check_events(events: tuple[str, ...]) -> None:
    """Raises InvalidInput for names that no result has."""
    unknown = sorted(set(events) - event_names())
    if unknown:
        raise InvalidInput(
            f"events {', '.join(unknown)[:100]!r}: want some of {', '.join(sorted(event_names()))}"
        )


def to_json(value: Subscription | Delivery | Health) -> bytes:
    """How these are stored."""
    return orjson.dumps(value)


def subscription_from(stored: bytes) -> Subscription:
    """Read what `to_json` wrote."""
    read: Subscription = _adapter(Subscription).validate_json(stored)
    return read


def delivery_from(stored: bytes) -> Delivery:
    """Read what `to_json` wrote."""
    read: Delivery = _adapter(Delivery).validate_json(stored)
    return read


def health_from(stored: bytes) -> Health:
    """Read what `to_json` wrote."""
    read: Health = _adapter(Health).validate_json(stored)
    return read


@cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)
