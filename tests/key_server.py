"""A small key service, as a process of its own: ``python -m tests.key_server ADDRESS TOKEN``; ADDRESS as for a client.

Its key is a new one and never leaves it. It prints its address once it listens (an http address gets its port).
"""

from __future__ import annotations

import json
import os
import socketserver
import sys
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = AESGCM(os.urandom(32))


class Answers(BaseHTTPRequestHandler):
    """Wraps and unwraps for whoever has the token."""

    token = ""

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        raw = {name: b64decode(text) for name, text in given.items()}
        if self.headers["Authorization"] != f"Bearer {self.token}":
            self.tell(401, {})
        elif self.path.endswith("/unwrap"):
            sealed = raw["wrapped"]
            try:
                plain = KEY.decrypt(sealed[:12], sealed[12:], raw["identity"])
            except InvalidTag:
                self.tell(403, {})
            else:
                self.tell(200, {"plain": plain})
        elif self.path.endswith("/wrap"):
            nonce = os.urandom(12)
            self.tell(200, {"wrapped": nonce + KEY.encrypt(nonce, raw["plain"], raw["identity"])})
        else:
            self.tell(200, {"surprise": b""})

    def tell(self, status: int, answer: dict[str, bytes]) -> None:
        body = json.dumps({name: b64encode(raw).decode() for name, raw in answer.items()}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "somebody"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name in http.server
        pass


class Local(socketserver.UnixStreamServer):
    """HTTP on a socket in the file system."""


def main(address: str, token: str) -> None:
    Answers.token = token
    if address.startswith("unix:"):
        server: socketserver.BaseServer = Local(address.removeprefix("unix:"), Answers)
    else:
        server = HTTPServer(("127.0.0.1", 0), Answers)
        address = f"http://127.0.0.1:{server.server_address[1]}/keys"
    sys.stdout.write(address + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
