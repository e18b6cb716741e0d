"""Why a connection is refused or closed, and the close codes that say so."""

from enum import StrEnum

from common.errors import InvalidInput


class Reason(StrEnum):
    """The kinds of refusal; the label of a metric, so there are few."""

    JSON = "json"
    FRAME = "frame"
    ODD_BYTES = "odd_bytes"
    MESSAGE_TYPE = "message_type"
    FORMAT = "format"
    NAME = "name"
    UNEXPECTED = "unexpected"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TOO_SLOW = "too_slow"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    UNAVAILABLE = "unavailable"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"


_PROTOCOL_ERROR, _INVALID_PAYLOAD, _POLICY, _TOO_BIG, _TRY_AGAIN = 1002, 1007, 1008, 1009, 1013
_CLOSE_CODES = {
    Reason.JSON: _INVALID_PAYLOAD,
    Reason.FRAME: _INVALID_PAYLOAD,
    Reason.ODD_BYTES: _INVALID_PAYLOAD,
    Reason.MESSAGE_TYPE: _PROTOCOL_ERROR,
    Reason.UNEXPECTED: _PROTOCOL_ERROR,
    Reason.TOO_LARGE: _TOO_BIG,
    Reason.UNAVAILABLE: _TRY_AGAIN,
}


_STATUSES = {
    Reason.UNAUTHORIZED: 401,
    Reason.FORBIDDEN: 403,
    Reason.CONFLICT: 409,
    Reason.SUPERSEDED: 409,
    Reason.ENDED: 409,
    Reason.MESSAGE_TYPE: 415,
    Reason.TOO_MANY: 429,
    Reason.UNAVAILABLE: 503,
}


class Refused(InvalidInput):
    """What a connection sent cannot be taken; the connection is closed, nothing else is harmed."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason

    @property
    def close_code(self) -> int:
        """The WebSocket close code (RFC 6455, section 7.4.1)."""
        return _CLOSE_CODES.get(self.reason, _POLICY)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUSES.get(self.reason, 400)


def shown(value: object) -> str:
    """A value from outside, short enough for an error's text."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
