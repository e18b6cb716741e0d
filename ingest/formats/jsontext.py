"""JSON objects from outside, and the fields they must have."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson

from common.errors import InvalidInput
from common.identity import Speaker, parse_speaker
from ingest.refusals import Reason, Refused, shown

Object = Mapping[str, Any]


def parse_object(text: str | bytes) -> Object:
    """A JSON object. Raises Refused."""
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise Refused(Reason.JSON, f"not JSON: {shown(text)} ({error})") from error
    if not isinstance(value, dict):
        raise Refused(Reason.JSON, f"{shown(text)}: want a JSON object")
    return value


def parse_base64(value: Any, field: str) -> bytes:
    """Bytes from base64. Raises Refused."""
    if not isinstance(value, str):
        raise Refused(Reason.JSON, f"{field} {shown(value)}: want base64 text")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(Reason.JSON, f"{field} {shown(value)}: not base64 ({error})") from error


def parse_whole(value: Any, field: str) -> int | None:
    """A whole number of at most 63 bits, not negative, or nothing. Raises Refused."""
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 2**63:
        raise Refused(Reason.JSON, f"{field} {shown(value)}: want a whole number, not negative")
    return value


def parse_label(value: Any) -> Speaker | None:
    """A speaker object, or nothing. Raises Refused."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refused(Reason.JSON, f'speaker {shown(value)}: want {{"id": …, "name": …}}')
    speaker_id, name = value.get("id", ""), value.get("name", "")
    if not (isinstance(speaker_id, str) and isinstance(name, str) and (speaker_id or name)):
        raise Refused(Reason.NAME, f"speaker {shown(value)}: want an id or a name, as text")
    try:
        return parse_speaker(speaker_id or name, name)
    except InvalidInput as error:
        raise Refused(Reason.NAME, str(error)) from error
