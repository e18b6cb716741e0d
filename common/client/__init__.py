"""Results for services written in Python: a typed client of the gateway, blocking or asynchronous.

with Hubbub("http://127.0.0.1:8780", token="…") as hubbub:
    for placed in hubbub.follow("weekly"):
        if isinstance(placed.result, Transcript) and placed.result.status == "final":
            print(placed.result.text)
"""

from common.client.asynchronous import AsyncHubbub
from common.client.blocking import Hubbub
from common.client.documents import MeetingInfo, Page, Placed
from common.client.failures import Refused, Unreachable

__all__ = ["AsyncHubbub", "Hubbub", "MeetingInfo", "Page", "Placed", "Refused", "Unreachable"]
