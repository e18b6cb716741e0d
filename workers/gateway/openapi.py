"""The description of the interface: which answers each route may give, with an example of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from workers.gateway.example_values import example_of

Operation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Failure:
    code: str
    meaning: str
    line: str


_FAILURES = {
    "400": _Failure(
        "invalid", "Something is wrong with the request", "limit: Input should be less than or equal to 1000"
    ),
    "401": _Failure(
        "unauthorized", "No good token", "want a header 'Authorization: Bearer TOKEN', or ?access_token=TOKEN"
    ),
    "403": _Failure(
        "forbidden", "The token is for something else", "this token is for read; this needs admin"
    ),
    "404": _Failure(
        "unknown_meeting",
        "There is no such thing",
        "meeting 'standup': unknown, or older than results are kept",
    ),
    "409": _Failure(
        "conflict", "It is not in a state for this", "meeting 'standup' has ended: name another one"
    ),
    "413": _Failure("refused", "The body is too large", "body: want at most 10485760 bytes"),
    "415": _Failure(
        "refused",
        "The body is of a kind that is not taken",
        "content-type 'text/plain': want application/json",
    ),
    "429": _Failure(
        "vendor_busy",
        "MeetStream wants to be asked later",
        "MeetStream wants to be asked again in 7 s: slowly",
    ),
    "501": _Failure(
        "not_configured", "Bots are not set up", "no bots are sent from here: set HUBBUB_MEETSTREAM__API_KEY"
    ),
    "502": _Failure("vendor_unavailable", "MeetStream failed", "MeetStream did not answer within 20 s"),
    "503": _Failure(
        "results_unavailable", "Try again", "the results cannot be read at the moment; try again"
    ),
}
"""An example of each status."""

_OPEN = ("/v1/schemas", "/healthz", "/readyz", "/metrics")
_ASKS_VENDOR = {
    ("/v1/meetings", "post"): ("409", "413", "429", "501", "502"),
    ("/v1/meetings/{meeting_id}/bot", "delete"): ("409", "429", "501", "502"),
    ("/v1/meetings/{meeting_id}/say", "post"): ("409", "413", "415", "429", "501", "502"),
    ("/v1/meetings/{meeting_id}/say", "delete"): ("409",),
    ("/v1/meetings/{meeting_id}/reference", "put"): ("409", "413"),
}
_FAILURE = {"$ref": "#/components/schemas/FailureBody"}
_EVENTS = (
    "retry: 1000\n\nid: 1795386518268-0\nevent: keyword\n"
    'data: {"id":"fa77af0e13-710080/keyword/next-slide","type":"keyword","phrase":"next slide"}\n\n'
    "id: 1795386518270-0\n\n"
)
_FILES = {
    "text/vtt": "WEBVTT\n\n00:00:00.860 --> 00:00:03.720\n<v Ann Abel>Good <00:00:01.260>morning.\n",
    "application/x-subrip": "1\n00:00:00,860 --> 00:00:03,720\nAnn Abel: Good morning.\n",
    "text/plain": "[00:00:00] Ann Abel: Good morning.\n",
    "text/markdown": "# standup\n\n*2026-11-23 04:01 UTC*\n\n**Ann Abel** (00:00:00): Good morning.\n",
    "text/event-stream": _EVENTS,
}


def describe(app: FastAPI) -> None:
    """Let the app's document say what `described` does; made once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def described(app: FastAPI) -> dict[str, Any]:
    """FastAPI's own document, with every status, example and way to authenticate in it."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "query": {"type": "apiKey", "in": "query", "name": "access_token"},
    }
    for path, method, operation in _operations(document):
        _add_failures(path, method, operation)
        _add_examples(operation, components["schemas"])
        if not path.startswith(_OPEN):
            operation["security"] = [{"bearer": []}, {"query": []}, {}]
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _add_failures(path: str, method: str, operation: Operation) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    statuses = [*_ASKS_VENDOR.get((path, method), ())]
    if "{" in path:
        statuses.append("404")
    if operation.get("parameters") or "requestBody" in operation:
        statuses.append("400")
    if not path.startswith(_OPEN):
        statuses += ["401", "403", "503"]
    for status in sorted(set(statuses) - responses.keys()):
        responses[status] = {
            "description": _FAILURES[status].meaning,
            "content": {"application/json": {"schema": _FAILURE}},
        }


def _add_examples(operation: Operation, components: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        known = {"example", "examples"} & (parameter.keys() | parameter["schema"].keys())
        if not known:
            parameter["example"] = example_of(parameter["schema"], components, parameter["name"].lower())
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if not {"example", "examples"} & content.keys() and "schema" in content:
            content["example"] = example_of(content["schema"], components)
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if not {"example", "examples"} & content.keys():
                content["example"] = _example(status, media_type, content, components)


def _example(status: str, media_type: str, content: dict[str, Any], components: dict[str, Any]) -> Any:
    if content.get("schema") == _FAILURE:
        failure = _FAILURES.get(status, _FAILURES["503" if status.startswith("5") else "400"])
        return {"error": {"code": failure.code, "message": failure.line}}
    if media_type in _FILES:
        return _FILES[media_type]
    return example_of(content.get("schema", {}), components)
