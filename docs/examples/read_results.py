"""A service's own consumer group on the result streams: prints finals, each acknowledged once handled.

python read_results.py redis://127.0.0.1:6379/0 my-service worker-1
"""

import json
import sys
from collections.abc import Iterator

import redis


def results(client: redis.Redis, group: str, consumer: str) -> Iterator[dict]:
    """Results of all meetings, oldest first; one is acknowledged when the next is asked for."""
    streams = [f"hb:{{{shard}}}:results" for shard in range(int(client.hget("hb:deployment", "shards")))]
    for stream in streams:
        try:
            client.xgroup_create(stream, group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):  # it exists from the last time: go on where it stopped
                raise
    read_from = "0"  # first what this consumer took and did not acknowledge before it stopped
    while True:
        reply = client.xreadgroup(group, consumer, dict.fromkeys(streams, read_from), count=100, block=5000)
        for stream, entries in reply:
            for entry_id, fields in entries:
                if fields:  # empty when the entry was trimmed in the meantime
                    yield json.loads(fields[b"data"])
                client.xack(stream, group, entry_id)
        if not any(entries for _, entries in reply):
            read_from = ">"


if __name__ == "__main__":
    url, group, consumer = sys.argv[1:]
    for result in results(redis.Redis.from_url(url, protocol=2), group, consumer):
        if result["type"] == "transcript" and result["status"] == "final":
            print(result["speaker"]["name"], result["text"], sep=": ", flush=True)  # noqa: T201
