"""Finals of a meeting as they come, with Hubbub's own client; goes on where it stopped.

python follow_captions.py http://127.0.0.1:8780 weekly [POSITION]
"""

import sys

from common.client import Hubbub
from common.results import Transcript

url, meeting, *position = sys.argv[1:]
with Hubbub(url) as hubbub:
    for placed in hubbub.follow(meeting, types=["transcript"], after="".join(position)):
        result = placed.result
        if isinstance(result, Transcript) and result.status == "final":
            # Keep the position: start with it to go on from here.
            print(placed.position, result.speaker.name, result.text, flush=True)  # noqa: T201
