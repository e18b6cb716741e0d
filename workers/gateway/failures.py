"""How a request fails: one JSON shape, a status, and a line that says what to do."""

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from common.access import Forbidden, Unauthorized
from common.errors import HubbubError, InvalidInput
from workers.gateway.fanout import TooManyReaders


class UnknownMeeting(HubbubError):
    """No such meeting within the tenant, or no longer kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: a word for programs, a line for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FailureBody:
    """The body of every answer that is not a success."""

    error: Failure


_KINDS: dict[type[Exception], tuple[int, str]] = {
    InvalidInput: (400, "invalid"),
    RequestValidationError: (400, "invalid"),
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    UnknownMeeting: (404, "unknown_meeting"),
    TooManyReaders: (503, "too_many_readers"),
    RedisError: (503, "results_unavailable"),
}


def install(app: FastAPI) -> None:
    """Answer every failure of the routes in the one shape."""
    for kind in (*_KINDS, HTTPException):
        app.add_exception_handler(kind, _answer)


async def _answer(connection: HTTPConnection, error: Exception) -> JSONResponse:
    status, code = _kind(error)
    body = {"error": {"code": code, "message": _message(error)}}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    response = JSONResponse(body, status, headers)
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response


def _kind(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.status_code, "not_found" if error.status_code == 404 else "refused"
    return next(found for kind, found in _KINDS.items() if isinstance(error, kind))


def _message(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, RequestValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    if isinstance(error, RedisError):
        return "the results cannot be read at the moment; try again"
    return str(error)
