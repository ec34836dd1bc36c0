"""A web server for tests: one folder, or answers made to measure, on 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = tuple[int, bytes, dict[str, str]]
"""Status, body, headers."""


@contextmanager
def served(answer: Callable[[str, dict[str, str]], Answer | None]) -> Iterator[str]:
    """Serve what ``answer(path, headers)`` says (``None``: hang up); gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            if found is None:
                self.close_connection = True
                self.connection.close()
                return
            status, body, headers = found
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def finish(self) -> None:
            if not self.wfile.closed:
                super().finish()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def files(folder: Path) -> Callable[[str, dict[str, str]], Answer]:
    """Answer with the files of a folder."""

    def answer(path: str, _: dict[str, str]) -> Answer:
        file = folder / path.lstrip("/")
        return (200, file.read_bytes(), {}) if file.is_file() else (404, b"", {})

    return answer
