"""A receiver of webhooks that believes only what is signed, and acts once.

python receive_webhooks.py 9000 whsec_…
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300
port, secret = int(sys.argv[1]), sys.argv[2]
seen = set()  # yours outlives a restart: a table with the id as its key


def is_genuine(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the holder of the secret sent this, and lately."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")  # two while a secret is being replaced
    if not any(hmac.compare_digest(each.encode(), expected.encode()) for each in given):
        return False
    return abs(time.time() - int(timestamp)) < TOLERANCE_S


class Receiver(BaseHTTPRequestHandler):
    """Answers at once; work that takes long belongs on a queue of your own."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Handle one webhook."""
        body = self.rfile.read(int(self.headers["content-length"]))
        genuine = is_genuine(self.headers, body)
        if genuine and self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            event = json.loads(body)
            print(event["type"], event["data"].get("text", ""), flush=True)  # noqa: T201
        self.send_response(204 if genuine else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
