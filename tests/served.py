"""`patina serve` as a process of its own: for tests of what a client in between would change."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit


class Server:
    """A `patina serve` process; ``get`` sends the path exactly as it is given."""

    def __init__(self, directory: Path, key: str) -> None:
        self.key = key
        words = [sys.executable, "-m", "ledger.command", "serve", "--dir", str(directory), "--port", "0"]
        root = Path(__file__).resolve().parents[1]
        self.running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=root)
        assert self.running.stderr is not None
        said = ""
        for line in self.running.stderr:
            said += line
            found = re.search(r" on (http://\S+)", line)
            if found:
                self.place = urlsplit(found[1]).netloc
                return
        raise AssertionError(said)

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

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        self.running.communicate(timeout=30)
        return self.running.returncode
