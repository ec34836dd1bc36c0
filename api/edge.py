"""The outermost layer of every request, plain ASGI: its id, the limit of its body, and what every answer carries.

A ``BaseHTTPMiddleware`` in this place costs three quarters of the throughput (amendments R9), so nothing here makes a
task, a request object or a response unless something is wrong. No answer may fetch from elsewhere, run a script or be
framed, but for the pages that set a policy of their own; none is indexed; none tells the next site where the
reader came from.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets

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
        started = ended = False
        headers = [*self._headers, (b"x-request-id", request_id.encode())]

        async def send_more(message: Message) -> None:
            nonlocal started, ended
            if message["type"] == "http.response.start":
                own = _unbroken(message["headers"])
                started = True
                names = {name for name, _ in own}
                message["headers"] = [*own, *(one for one in headers if one[0] not in names)]
                if b"cache-control" not in names:
                    message["headers"].append((b"cache-control", b"no-store"))
            else:
                ended = not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, _bounded(scope, receive), send_more)
        except Problem as problem:
            await problem_response(problem, request_id)(scope, receive, send_more)
        except PatinaError as error:
            await problem_response(problem_of(error), request_id)(scope, receive, send_more)
        except Exception as error:
            _write_down(error, request_id)
            if not started:
                await problem_response(fault_of(error, request_id), request_id)(scope, receive, send_more)
            elif not ended:
                raise


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
                raise _too_large(limit)
            return receive
    received = 0

    async def receive_less() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return receive_less


def _limit_of(path: str) -> int:
    if path.endswith(FILES):
        return MAX_FILE
    return BATCH_LIMIT if path == BATCH_PATH else BODY_LIMIT


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot be used again.
    return Problem("too_large", f"got a body of more than {limit} bytes", headers={"Connection": "close"})
