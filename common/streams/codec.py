"""How messages and results lie in a stream entry."""

from common.errors import InvalidMessage
from common.messages import Message, pack, unpack
from common.results import Common, Result, from_json, to_json

Fields = dict[bytes, bytes]
FOR = b"for"
"""The field that names the one stage an entry is for, where it is not for all that read the stream."""


def encode(message: Message | Result) -> list[str | bytes]:
    """Fields and values, flat."""
    if isinstance(message, Common):
        return [
            "type",
            message.type,
            "meeting",
            f"{message.tenant}/{message.meeting}",
            "data",
            to_json(message),
        ]
    return ["m", pack(message)]


def decode(fields: Fields) -> Message | Result:
    """Read what `encode` wrote. Raises InvalidMessage."""
    if b"m" in fields:
        return unpack(fields[b"m"])
    if b"data" in fields:
        return from_json(fields[b"data"])
    raise InvalidMessage(f"an entry with the fields {sorted(fields)!r} is no message")
