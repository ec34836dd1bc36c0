"""`patina serve` as a process of its own: for tests of what a client in between would change."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Self
from urllib.parse import urlsplit


class Server:
    """A `patina serve` process; ``get`` sends the path exactly as it is given.

    What it writes is read as long as it writes, by a thread: a pipe that nobody empties stops a server that fills it.
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
        self._said: deque[str] = deque(maxlen=200)
        self._places: SimpleQueue[str | None] = SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.started()

    def started(self) -> None:
        """Wait until a server says where it serves: this one, or what ``program`` starts in place of one that died."""
        place = self._places.get()
        if place is None:
            self.wait()
            raise AssertionError("".join(self._said))
        self.place = place

    def _read(self) -> None:
        """Keep the last lines, and each place where a server says that it serves; ``None`` follows the last line."""
        assert self.running.stderr is not None
        with self.running.stderr as lines:
            for line in lines:
                self._said.append(line)
                found = re.search(r" on (http://\S+)", line)
                if found:
                    self._places.put(urlsplit(found[1]).netloc)
        self._places.put(None)

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
        code = self.running.wait(timeout=60)
        self._reading.join(timeout=60)
        return code

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.wait()
