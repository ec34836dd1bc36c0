"""Ledgers at an address: checkpoint, tiles and entry bundles over HTTP (C2SP tlog-tiles), and single documents.

Standard library only. One connection a thread is kept alive; every answer is bounded before it is read, also after
decompression; what fails on the way is tried again a few times and is then "could not tell", never "disproved".
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from ledger.errors import Disproved, Unknown
from verifier.source import TILE_WIDTH, bundles_of, read_bundle, read_note, read_tile, too_long

TIMEOUT = 30.0
"""Seconds without a byte before an attempt counts as failed."""
LONGEST = 600.0
"""Seconds for an attempt, so that a server which sends a byte now and then holds nobody for ever."""
ATTEMPTS = 4
PAUSE = 0.5
"""Seconds before the second attempt; doubled for each one after it."""
LONGEST_PAUSE = 30.0
AHEAD = 4
"""Bundles asked for before they are needed: hides the network behind the checking."""
_HEADER = 256
"""Bytes of a gzip header and trailer; what cannot be compressed, like hashes, grows besides by less than an eighth."""
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Client:
    """GET requests to one origin; safe to use from several threads."""

    def __init__(
        self, origin: SplitResult, headers: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._origin = origin
        self._headers = {"Accept-Encoding": "gzip", "User-Agent": "patina-verifier/1", **headers}
        self._sleep = sleep
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def get(self, target: str, limit: int) -> bytes | None:
        """The body at a path of the origin, ``None`` if there is none (404 or 410).

        Raises ``Unknown`` if it cannot be had, ``Disproved`` (address) if it has more than ``limit`` bytes.
        """
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(LONGEST_PAUSE, PAUSE * 2 ** (attempt - 1)))
            try:
                status, body = self._ask(target, limit)
            except (OSError, http.client.HTTPException, zlib.error) as error:
                self._forget()
                why = str(error)
                continue
            if status == http.client.OK:
                return body
            if status in {http.client.NOT_FOUND, http.client.GONE}:
                return None
            why = f"status {status}"
            if status not in _RETRY:
                break
        raise Unknown(f"could not fetch {target}: {why}")

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.close()

    def _ask(self, target: str, limit: int) -> tuple[int, bytes]:
        """Status and body of one attempt, which is hung up on after ``LONGEST``."""
        connection = self._connection()
        if connection.sock is None:
            connection.connect()
        ends = threading.Timer(LONGEST, _hang_up, [connection.sock])
        ends.daemon = True
        ends.start()
        try:
            return self._answer(connection, target, limit)
        finally:
            ends.cancel()

    def _answer(self, connection: http.client.HTTPConnection, target: str, limit: int) -> tuple[int, bytes]:
        connection.request("GET", target, headers=self._headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            # An error's page may be longer than what was asked for, and says nothing about that.
            if len(answer.read(limit)) == limit:
                self._forget()
            return answer.status, b""
        zipped = answer.headers.get("Content-Encoding") == "gzip"
        room = limit + limit // 8 + _HEADER if zipped else limit
        body = answer.read(room + 1)
        if len(body) > room:
            self._forget()
            raise _too_long(target, limit)
        # An answer that is cut off in its head looks like one of no length, whose end is that of the connection.
        if answer.length or (not body and answer.length is None):
            raise http.client.IncompleteRead(body, answer.length)
        if zipped:
            unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
            body = unzip.decompress(body, limit + 1)
            if len(body) > limit:
                raise _too_long(target, limit)
            if not unzip.eof:
                raise zlib.error("compressed body is cut short")
        return answer.status, body

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            made = http.client.HTTPSConnection if self._origin.scheme == "https" else http.client.HTTPConnection
            assert self._origin.hostname is not None
            # Without a port, what stands behind the last colon of an IPv6 address would be taken for one.
            port = self._origin.port or made.default_port
            connection = made(self._origin.hostname, port, timeout=TIMEOUT)
            self._local.connection = connection
            self._open.append(connection)
        return connection

    def _forget(self) -> None:
        """Close this thread's connection, which may hold the rest of an answer; it opens again when asked."""
        self._connection().close()


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _too_long(target: str, limit: int) -> Disproved:
    return Disproved(f"{target} has more than {limit} bytes", "address")


def split_address(address: str) -> SplitResult:
    """The parts of an http or https address; raises ``Unknown`` for anything else."""
    try:
        parts = urlsplit(address)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise Unknown(f"got the address {address[:200]!r}: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not address.isascii():
        raise Unknown(f"got the address {address[:200]!r}, want http:// or https:// and ASCII alone")
    return parts


def get(address: str, limit: int, headers: Mapping[str, str] | None = None) -> bytes:
    """The document at an address; raises ``Unknown`` if it cannot be had."""
    parts = split_address(address)
    client = Client(parts, headers or {})
    try:
        body = client.get((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), limit)
    finally:
        client.close()
    if body is None:
        raise Unknown(f"could not fetch {address}: there is nothing")
    return body


class Address:
    """A log served over HTTP below a prefix like ``https://ledger.example``; only tiles and bundles are asked for."""

    serves_tiles = True

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        parts = split_address(address)
        self.name = address
        self._prefix = parts.path.rstrip("/") + "/"
        self._client = Client(parts, headers or {})
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="fetch")

    def checkpoint(self) -> str:
        """The newest signed note."""
        return read_note(self._read)

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``, in order; the next bundles are fetched meanwhile."""
        coming: deque[tuple[int, Future[list[bytes]]]] = deque()
        ahead = bundles_of(start, stop)
        try:
            while True:
                while len(coming) < AHEAD and (following := next(ahead, None)) is not None:
                    number, width = following
                    coming.append((number, self._threads.submit(read_bundle, self._read, number, width)))
                if not coming:
                    return
                number, bundle = coming.popleft()
                yield from bundle.result()[max(0, start - number * TILE_WIDTH) :]
        finally:
            for _, bundle in coming:
                bundle.cancel()

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The ``width`` hashes of a tile, or ``None`` if it is missing."""
        return read_tile(self._read, level, number, width)

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            return self._client.get(self._prefix + path, limit)
        except Disproved:
            raise too_long(path, limit) from None
