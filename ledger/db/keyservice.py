"""A master key that lives elsewhere: a client of a key service on this machine or behind TLS.

Two questions, asked by HTTP at ``PATINA_KEY_SERVICE`` (``unix:/run/keys.sock``, ``http://127.0.0.1:8200/keys`` or any
``https://`` address), with ``Authorization: Bearer`` of ``PATINA_KEY_SERVICE_TOKEN`` if that is set. Bytes are base64;
``identity`` is to be bound to what is wrapped (associated data), so that one row's secret does not open as another's:

    POST {address}/wrap     {"identity": "…", "plain": "…"}      →  200 {"wrapped": "…"}
    POST {address}/unwrap   {"identity": "…", "wrapped": "…"}    →  200 {"plain": "…"}

Few questions are asked: what was unwrapped is kept in memory by whoever asked, so a service that is away for a while
stops new epochs, new keys and restarts, and no append.
"""

from __future__ import annotations

import http.client
import json
import socket
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ledger.db.reason import reason
from ledger.errors import Invalid, Unavailable

ADDRESS_NAME = "PATINA_KEY_SERVICE"
TOKEN_NAME = "PATINA_KEY_SERVICE_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT = 5.0
MAX_ANSWER = 65_536
_NEAR = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class KeyClient:
    """Wraps and unwraps by a key service; a ``secret.KeyKeeper``. Its repr does not show the token."""

    address: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse an address that would send keys over a network in clear."""
        parts = urlsplit(self.address)
        near = parts.scheme == "unix" or (parts.scheme == "http" and parts.hostname in _NEAR)
        if not near and not (parts.scheme == "https" and parts.hostname):
            raise Invalid(f"got a key service at {self.address[:200]!r}, want unix:, https: or http: on this machine")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> KeyClient | None:
        """The client of the service that the environment names, if it names one."""
        address = environ.get(ADDRESS_NAME)
        return cls(address.rstrip("/"), environ.get(TOKEN_NAME) or None) if address else None

    def wrap(self, plain: bytes, identity: bytes) -> bytes:
        """Return ``plain`` wrapped for the row ``identity``; raises ``Unavailable``."""
        return self._ask("wrap", "wrapped", plain=plain, identity=identity)

    def unwrap(self, wrapped: bytes, identity: bytes) -> bytes:
        """Return what was wrapped for the row ``identity``; raises ``Unavailable``."""
        return self._ask("unwrap", "plain", wrapped=wrapped, identity=identity)

    def _ask(self, question: str, answer: str, **given: bytes) -> bytes:
        body = json.dumps({name: b64encode(raw).decode() for name, raw in given.items()})
        headers = {"Content-Type": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        connection, path = self._connect()
        try:
            connection.request("POST", f"{path}/{question}", body, headers)
            response = connection.getresponse()
            raw = response.read(MAX_ANSWER)
            if response.status != 200:
                raise Unavailable(f"the key service answered {question} with {response.status}")
            return b64decode(json.loads(raw)[answer], validate=True)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the key service cannot be reached: {reason(error)}") from None
        except (ValueError, KeyError, TypeError):
            raise Unavailable(f"the key service answered {question} with something else, want {answer}") from None
        finally:
            connection.close()

    def _connect(self) -> tuple[http.client.HTTPConnection, str]:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            return _Local(parts.path), ""
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=TIMEOUT), parts.path


class _Local(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)
