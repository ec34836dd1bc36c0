"""A receiver of webhooks, with nothing but Python's own: it checks each one, drops repeats, and prints what happened.

    export PATINA_WEBHOOK_SECRET=whsec_…      # shown once, by POST /v1/webhooks
    python examples/python/webhook.py --port 8099

In front of it stands whatever ends TLS. It keeps the ids that it has seen in memory; keep yours where your work is, and
in the same transaction, and a repeat does nothing even if this program dies in between.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import sys
import time
from base64 import b64decode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

TOLERANCE = 300
"""Seconds that a message may be old: one that was recorded and is sent again by somebody else is refused."""
MOST = 1024 * 1024


def is_genuine(secret: str, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether the holder of this secret sent these bytes, about now."""
    message, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE:
        return False
    key = b64decode(secret.removeprefix("whsec_"))
    expected = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, sha256)
    for signature in headers.get("webhook-signature", "").split():
        version, _, text = signature.partition(",")
        try:
            if version == "v1" and hmac.compare_digest(b64decode(text), expected):
                return True
        except ValueError:
            continue
    return False


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, 401 to what is not; do your work first if it must not be lost."""

    secret = ""
    seen: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        """Take one message."""
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), MOST))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_genuine(self.secret, headers, body, time.time()):
            self.answer(401)
            return
        message = headers["webhook-id"]
        if message not in self.seen:
            self.seen.add(message)
            event = json.loads(body)
            print(event["type"], json.dumps(event["data"], ensure_ascii=False), flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        """Say a status and nothing else."""
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet: what matters is printed."""


def main() -> int:
    """Receive until Ctrl-C."""
    words = argparse.ArgumentParser(description="Receive webhooks, check them and print what happened.")
    words.add_argument("--port", type=int, default=8099)
    given = words.parse_args()
    Receiver.secret = os.environ.get("PATINA_WEBHOOK_SECRET", "")
    if not Receiver.secret.startswith("whsec_"):
        sys.exit("want PATINA_WEBHOOK_SECRET, whsec_…")
    with ThreadingHTTPServer(("127.0.0.1", given.port), Receiver) as server:
        print(f"receiving on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
