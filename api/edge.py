"""The outermost layer of every request, plain ASGI: its id, the limit of its body, and what every answer carries.

A ``BaseHTTPMiddleware`` in this place costs three quarters of the throughput (amendments R9), so nothing here makes a
task, a request object or a response unless something is wrong. No answer may fetch from elsewhere, run a script or be
framed, but for the pages that set a policy of their own; none is indexed; none tells the next site where the
reader came from.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import secrets
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.files.kinds import MAX_FILE
from api.problems import Problem, problem_of, problem_response
from ledger.db.connect import AWAY
from ledger.db.reason import reason
from ledger.errors import PatinaError, Unavailable

BODY_LIMIT = 1024 * 1024
BATCH_LIMIT = 8 * 1024 * 1024
BATCH_PATH = "/v1/statements/batch"
FILES = "/attachments"
"""How the paths end to which files are sent."""
HEARD_OUT = 64 * 1024 * 1024
"""Bytes that are taken and dropped of a body that is too large: many a client reads no answer until it has sent all."""
PATIENCE = 10.0
"""Seconds after which the rest is not waited for."""

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
            b"frame-ancestors 'none'"
        ),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

Headers = list[tuple[bytes, bytes]]
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What the system says of a disk that has no room, or takes nothing at all."""
_line_break = re.compile(rb"[\r\n\0]").search

_log = logging.getLogger("patina.api")


class Edge:
    """Wraps ``app``; over https it also asks browsers to come back by https."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self.app = app
        self._headers = list(_HEADERS)
        if https:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id
        answer = _Answer([*self._headers, (b"x-request-id", request_id.encode())], receive, send)
        try:
            await self.app(scope, _bounded(scope, receive), answer.send)
        except Problem as problem:
            await problem_response(problem, request_id)(scope, receive, answer.send)
        except PatinaError as error:
            await problem_response(problem_of(error), request_id)(scope, receive, answer.send)
        except Exception as error:
            _write_down(error, request_id)
            if not answer.started:
                await problem_response(fault_of(error, request_id), request_id)(scope, receive, answer.send)
            elif not answer.ended:
                raise


class _Answer:
    """What is sent as the answer of one request, with the headers that every answer carries."""

    __slots__ = ("_closing", "_headers", "_receive", "_send", "ended", "started")

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self._headers, self._receive, self._send = headers, receive, send
        self.started = self.ended = self._closing = False

    async def send(self, message: Message) -> None:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            own = _unbroken(message["headers"])
            self.started = True
            self._closing = (b"connection", b"close") in own
            names = {name for name, _ in own}
            message["headers"] = [*own, *(one for one in self._headers if one[0] not in names)]
            if b"cache-control" not in names:
                message["headers"].append((b"cache-control", b"no-store"))
        else:
            self.ended = not message.get("more_body", False)
            if self.ended and self._closing:
                await self._send({**message, "more_body": True})
                await _hear_out(self._receive)
                message = {"type": "http.response.body"}
        await self._send(message)


def _unbroken(headers: Headers) -> Headers:
    """The headers; raises ``AssertionError`` for a value that would end its line and begin another of its own."""
    for name, value in headers:
        if _line_break(value) is not None:
            raise AssertionError(f"a line break in the header {name!r}")
    return headers


def _write_down(error: Exception, request_id: str) -> None:
    if isinstance(error, AWAY):
        _log.warning("request %s: the database is away: %s", request_id, reason(error))
    elif _is_full(error):
        _log.warning("request %s: the disk takes nothing: %s", request_id, reason(error))
    else:
        _log.error("request %s failed", request_id, exc_info=error)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def fault_of(error: Exception, request_id: str) -> Problem:
    """What is said of a database or disk that is away, and of our own fault: where to find it, and nothing more."""
    if isinstance(error, AWAY):
        return problem_of(Unavailable("the database cannot be reached now; send the same request again"))
    if _is_full(error):
        return problem_of(Unavailable(f"the disk takes nothing now ({reason(error)}); send the same request later"))
    return Problem("internal", f"this is our fault; its record has the id {request_id}")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """``receive`` that raises ``Problem`` 413 at the first byte too many; at once if the length is declared."""
    if scope["method"] not in {"POST", "PUT", "PATCH"}:
        return receive
    limit = _limit_of(scope["path"])
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or int(value) > limit:
                raise _too_large(limit, more=True)
            return receive
    received = 0

    async def receive_less() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit, more=message.get("more_body", False))
        return message

    return receive_less


async def _hear_out(receive: Receive) -> None:
    """Drop what is still sent. To close before that breaks the pipe of who sends, and the answer is lost with it."""
    left, more = HEARD_OUT, True
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _limit_of(path: str) -> int:
    if path.endswith(FILES):
        return MAX_FILE
    return BATCH_LIMIT if path == BATCH_PATH else BODY_LIMIT


def _too_large(limit: int, *, more: bool) -> Problem:
    # The rest of the body is of no use, and may be long: the connection is not used again.
    headers = {"Connection": "close"} if more else {}
    return Problem("too_large", f"got a body of more than {limit} bytes", headers=headers)
