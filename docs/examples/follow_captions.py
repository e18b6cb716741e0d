"""Finals of a meeting as they come, with Hubbub's own client; goes on where it stopped.

python follow_captions.py http://127.0.0.1:8780 weekly [POSITION]
"""

import sys

from common.client import Hubbub

url, meeting, *position = sys.argv[1:]
with Hubbub(url) as hubbub:
    for placed in hubbub.follow(meeting, types=["transcript"], after="".join(position)):
        if placed.result.status == "final":  # keep the position: start with it to go on from here
            print(placed.position, placed.result.speaker.name, placed.result.text, flush=True)  # noqa: T201
