"""A site by way of a server in between: what a browser gets can be changed there, whatever browser it is.

A browser reaches it by its own address, or, with it as a proxy, by any name over plain http: then the page has no
WebCrypto, as in a shop's network.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BEFORE = "/before.js"
Change = Callable[[bytes], bytes | None]


class Middle:
    """What stands before the server at ``place``.

    ``changes`` are, by a pattern of paths, what is made of a body: ``None`` is not found. ``before`` is a script that
    runs before a page's own. ``asked`` are the addresses that were asked for.
    """

    def __init__(self, place: str) -> None:
        self.place, self.before = place, ""
        self.changes: dict[str, Change] = {}
        self.asked: list[str] = []
        middle = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                middle._answer(self)

            do_POST = do_GET  # noqa: N815 - http.server asks for it

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        self.asked.append(request.path)
        if where.path == BEFORE:
            status, headers, body = 200, {"content-type": "text/javascript"}, self.before.encode()
        else:
            status, headers, body = self._fetched(request, f"{where.path}?{where.query}".rstrip("?"))
        changes = [change for pattern, change in self.changes.items() if re.search(pattern, where.path)]
        for change in changes:
            changed = change(body)
            status, body = (404, b"") if changed is None else (status, changed)
        if self.before and headers.get("content-type", "").startswith("text/html"):
            body = body.replace(b"<head>", b'<head><script src="%s"></script>' % BEFORE.encode(), 1)
        request.send_response(status)
        for name, value in headers.items():
            if name not in {"content-length", "connection", "server", "transfer-encoding"}:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _fetched(self, request: BaseHTTPRequestHandler, path: str) -> tuple[int, dict[str, str], bytes]:
        sent = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kept = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        connection = http.client.HTTPConnection(self.place, timeout=60)
        try:
            connection.request(request.command, path, sent or None, kept)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def between(place: str) -> Iterator[Middle]:
    """A server in between that runs while the block does."""
    middle = Middle(place)
    threading.Thread(target=middle.server.serve_forever, daemon=True).start()
    yield middle
    middle.server.shutdown()
    middle.server.server_close()
