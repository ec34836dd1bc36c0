"""`patina serve` as a process of its own: for tests of what a client in between would change."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


class Server:
    """A `patina serve` process; ``get`` sends the path exactly as it is given.

    ``program`` is what Python runs instead of `patina serve`, with the same words and those of ``more``; ``url`` is the
    database's address.
    """

    def __init__(
        self,
        directory: Path,
        key: str = "",
        *,
        program: Sequence[str] = ("ledger.command", "serve"),
        more: Sequence[str] = (),
        url: str | None = None,
    ) -> None:
        self.key = key
        words = [sys.executable, "-m", *program, "--dir", str(directory), "--port", "0", *more]
        root = Path(__file__).resolve().parents[1]
        environment = os.environ | ({"PATINA_DATABASE_URL": url} if url else {})
        self.running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=root, env=environment)
        self.started()

    def started(self) -> None:
        """Wait until a server says where it serves: this one, or what ``program`` starts in place of one that died."""
        assert self.running.stderr is not None
        said = ""
        for line in self.running.stderr:
            said += line
            found = re.search(r" on (http://\S+)", line)
            if found:
                self.place = urlsplit(found[1]).netloc
                return
        raise AssertionError(said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind where a test failed."""
        if self.running.poll() is None:
            self.stop()

    def get(self, path: str, key: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.place, timeout=20)
        try:
            connection.putrequest("GET", path, skip_accept_encoding=True)
            connection.putheader("Authorization", f"Bearer {key or self.key}")
            connection.putheader("Accept", "application/json")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self) -> int:
        """The exit code, once the process has ended of itself."""
        self.running.communicate(timeout=60)
        return self.running.returncode

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.wait()
