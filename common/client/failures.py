"""What a client of the gateway raises."""

import httpx
import orjson

from common.errors import HubbubError


class Refused(HubbubError):
    """The gateway does not do what was asked, and would not if asked again.

    `status` is HTTP's, `code` the gateway's word for programs.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({status} {code})")
        self.status = status
        self.code = code


class Unreachable(HubbubError):
    """The gateway cannot be reached, or cannot answer at the moment."""


def failure(response: httpx.Response) -> HubbubError:
    """What an answer that is no success stands for; it must have been read."""
    code, message = "unknown", response.reason_phrase
    try:
        error = orjson.loads(response.content)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        pass  # not the gateway's own answer, but of something in between
    if response.status_code >= 500 or response.status_code == 429:
        return Unreachable(f"{message} ({response.status_code} {code})")
    return Refused(response.status_code, code, message)
