"""A small S3-compatible service in this process: what ``S3Store`` asks of one, kept in a dict.

It checks what a real one checks of a PUT: that the request is signed by the known key id, and that the digest in it is
the body's. It is a fake and not a mock: nothing in it knows what a test expects.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID = "test-key-id"


class Bucket:
    """The objects by bucket and key, and what was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written_at = 1_700_000_000
        self.down = False
        self.requests: list[str] = []
        self.url = ""

    @property
    def environ(self) -> dict[str, str]:
        """What ``open_store`` is told."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "test-secret"}


@contextmanager
def bucket() -> Iterator[Bucket]:
    """The service while the block runs."""
    made = Bucket()

    class Handler(_Handler):
        kept = made

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Bucket

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._welcome():
            return
        if self.headers["x-amz-content-sha256"] != sha256(body).hexdigest():
            self._answer(400, b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>")
            return
        self.kept.objects[self._key()] = body
        self._answer(200)

    def do_GET(self) -> None:
        if not self._welcome():
            return
        parts = urlsplit(self.path)
        if "list-type" in parts.query:
            self._list(parse_qs(parts.query).get("prefix", [""])[0])
            return
        body = self.kept.objects.get(self._key())
        if body is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        self._answer(200, body)

    def do_DELETE(self) -> None:
        if self._welcome():
            self.kept.objects.pop(self._key(), None)
            self._answer(204)

    def _list(self, prefix: str) -> None:
        name = urlsplit(self.path).path.strip("/")
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified>"
            f"<ETag>x</ETag><Size>{len(body)}</Size></Contents>"
            for place, body in sorted(self.kept.objects.items())
            for key in [place.removeprefix(name + "/")]
            if key.startswith(prefix)
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._answer(200, body.encode(), "application/xml")

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _welcome(self) -> bool:
        self.kept.requests.append(f"{self.command} {self.path}")
        signed = re.match(rf"AWS4-HMAC-SHA256 Credential={KEY_ID}/", self.headers.get("authorization", ""))
        if self.kept.down or not signed:
            self._answer(503 if self.kept.down else 403)
            return False
        return True

    def _answer(self, status: int, body: bytes = b"", kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", kind)
        self.send_header("ETag", f'"{md5(body).hexdigest()}"')
        self.send_header("Last-Modified", formatdate(self.kept.written_at, usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
