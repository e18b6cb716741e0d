"""How a request fails: one JSON shape, a status, and a line that says what to do."""

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from common.access import Forbidden, Unauthorized
from common.errors import Backlogged, HubbubError, InvalidInput
from common.streams.subscriptions import SubscriptionBusy, TooManySubscriptions
from workers.gateway.bots import BotConflict
from workers.gateway.fanout import TooManyReaders
from workers.gateway.lessons import NotEnabled
from workers.gateway.meetstream import (
    KeyRefused,
    NotConfigured,
    VendorBusy,
    VendorForgot,
    VendorRefused,
    VendorUnavailable,
)
from workers.gateway.webhooks import UnknownWebhook, WebhookConflict


class UnknownMeeting(HubbubError):
    """No such meeting within the tenant, or no longer kept."""


class ReportFailed(HubbubError):
    """A report was tried to build several times, in vain."""


class UnknownBot(HubbubError):
    """No bot was sent to this meeting from here."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: a word for programs, a line for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FailureBody:
    """The body of every answer that is not a success."""

    error: Failure


RETRY_AFTER_S = 5

_KINDS: dict[type[Exception], tuple[int, str]] = {
    InvalidInput: (400, "invalid"),
    RequestValidationError: (400, "invalid"),
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    UnknownMeeting: (404, "unknown_meeting"),
    UnknownBot: (404, "unknown_bot"),
    UnknownWebhook: (404, "unknown_webhook"),
    BotConflict: (409, "conflict"),
    WebhookConflict: (409, "conflict"),
    SubscriptionBusy: (409, "conflict"),
    TooManySubscriptions: (409, "too_many_webhooks"),
    VendorForgot: (409, "bot_gone"),
    VendorRefused: (400, "refused_by_vendor"),
    VendorBusy: (429, "vendor_busy"),
    NotConfigured: (501, "not_configured"),
    NotEnabled: (409, "not_enabled"),
    KeyRefused: (502, "vendor_refused_key"),
    VendorUnavailable: (502, "vendor_unavailable"),
    Backlogged: (503, "overloaded"),
    ReportFailed: (503, "report_failed"),
    TooManyReaders: (503, "too_many_readers"),
    RedisError: (503, "results_unavailable"),
}


def install(app: FastAPI) -> None:
    """Answer every failure of the routes in the one shape."""
    for kind in (*_KINDS, HTTPException):
        app.add_exception_handler(kind, _answer)


async def _answer(_: HTTPConnection, error: Exception) -> JSONResponse:
    status, code = _kind(error)
    body = {"error": {"code": code, "message": _message(error)}}
    return JSONResponse(body, status, _headers(error, status))  # of a WebSocket, instead of it


def _kind(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, "not_found" if error.status_code == 404 else "refused"
    return next(found for kind, found in _KINDS.items() if isinstance(error, kind))


def _headers(error: Exception, status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    if status not in {429, 503}:
        return {}
    return {"Retry-After": str(error.retry_after_s if isinstance(error, VendorBusy) else RETRY_AFTER_S)}


def _message(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, RequestValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    if isinstance(error, RedisError):
        return "the results cannot be read at the moment; try again"
    return str(error)
