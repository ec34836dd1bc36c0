"""Who may call which address: one table, read before any route, so that what is not listed is denied.

A bearer key (``Authorization: Bearer pk_…``) belongs to a party and has scopes: ``read``, ``write``, which includes
it, and ``admin``, which includes both and is the operator's. Paths are matched raw, still percent-encoded: an item's
id is one segment (amendments R4), and decoding it before matching would cut an id with a slash in it in two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, not_found

PUBLIC = "public"
READ = "read"
WRITE = "write"
ADMIN = "admin"
ENTRIES = "entries"
"""Public or ``read``, as the setting ``entries_public`` says."""

SCOPES = {READ: frozenset({READ}), WRITE: frozenset({READ, WRITE}), ADMIN: frozenset({READ, WRITE, ADMIN})}
"""What a scope includes."""

RIGHTS: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/statements", WRITE),
    ("POST", "/v1/statements/batch", WRITE),
    ("GET", "/v1/statements/{id}", READ),
    ("POST", "/v1/items", WRITE),
    ("GET", "/v1/items", READ),
    ("GET", "/v1/items/{id:path}/history", READ),
    ("GET", "/v1/items/{id:path}/qr.svg", READ),
    ("GET", "/v1/items/{id:path}/qr.png", READ),
    ("POST", "/v1/items/{id:path}/codes", WRITE),
    ("GET", "/v1/items/{id:path}/responsibility", READ),
    ("GET", "/v1/items/{id:path}", READ),
    ("GET", "/v1/cases/{id}", READ),
    ("GET", "/v1/parties", ADMIN),
    ("POST", "/v1/parties", ADMIN),
    ("GET", "/v1/keys", ADMIN),
    ("POST", "/v1/keys", ADMIN),
    ("GET", "/checkpoint", PUBLIC),
    ("GET", "/tile/entries/{path:path}", ENTRIES),
    ("GET", "/tile/{path:path}", PUBLIC),
    ("GET", "/v1/log/proof/inclusion", PUBLIC),
    ("GET", "/v1/log/proof/consistency", PUBLIC),
    ("GET", "/v1/log/map/{subject:path}", PUBLIC),
    ("GET", "/v1/log/keys", PUBLIC),
    ("GET", "/i/{token}", PUBLIC),
    ("GET", "/i/{token}/history", PUBLIC),
    ("GET", "/i/{token}/qr.svg", PUBLIC),
    ("GET", "/i/{token}/qr.png", PUBLIC),
    ("GET", "/01/{gtin}/21/{serial}", PUBLIC),
    ("GET", "/8004/{giai}", PUBLIC),
    ("GET", "/healthz", PUBLIC),
    ("GET", "/readyz", PUBLIC),
    ("GET", "/", PUBLIC),
    ("GET", "/docs", PUBLIC),
    ("GET", "/docs/problems", PUBLIC),
    ("GET", "/openapi.json", PUBLIC),
    ("GET", "/static/{name}", PUBLIC),
    ("GET", "/robots.txt", PUBLIC),
    ("GET", "/favicon.ico", PUBLIC),
)
"""Method, path, right: the first path that matches decides, so the longer forms stand first."""

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


def path_pattern(path: str) -> str:
    """The regular expression of a path: ``{name}`` is one raw segment, ``{name:path}`` any number of them."""
    pattern, end = "", 0
    for found in _PARAMETER.finditer(path):
        pattern += re.escape(path[end : found.start()])
        pattern += f"(?P<{found[1]}>.+)" if found[2] else f"(?P<{found[1]}>[^/]+)"
        end = found.end()
    return pattern + re.escape(path[end:])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a bearer key speaks for."""

    party: str
    scopes: frozenset[str]
    key_id: str

    def may(self, right: str) -> bool:
        """Whether the key's scopes include ``right``."""
        return any(right in SCOPES.get(scope, ()) for scope in self.scopes)


class Gate:
    """Wraps ``app``: a request that ``RIGHTS`` does not know or allow never reaches a route."""

    def __init__(self, app: ASGIApp, *, find_caller: Callable[[str], Caller | None], entries_public: bool) -> None:
        self.app = app
        self._find_caller = find_caller
        self._entries = PUBLIC if entries_public else READ
        self._paths = list(dict.fromkeys(path for _, path, _ in RIGHTS))
        self._rights = {(method, path): right for method, path, right in RIGHTS}
        # One expression of named branches: parameters lose their names, so that lastgroup is the branch.
        branches = (re.sub(r"\?P<\w+>", "?:", path_pattern(path)) for path in self._paths)
        self._match = re.compile("|".join(f"(?P<p{n}>{branch})" for n, branch in enumerate(branches))).fullmatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise ``Problem`` 401, 403, 404 or 405."""
        if scope["type"] == "http":
            right = self._right(scope)
            if right == ENTRIES:
                right = self._entries
            if right != PUBLIC:
                scope["caller"] = self._caller(scope, right)
        await self.app(scope, receive, send)

    def _right(self, scope: Scope) -> str:
        method = scope["method"]
        found = self._match(raw_path_of(scope))
        if found is None or found.lastgroup is None:
            raise not_found()
        template = scope["template"] = self._paths[int(found.lastgroup[1:])]
        right = self._rights.get(("GET" if method == "HEAD" else method, template))
        if right is None:
            allowed = ", ".join(sorted(name for name, other in self._rights if other == template))
            raise Problem("method", f"got {method[:20]}, want {allowed}", headers={"Allow": allowed})
        return right

    def _caller(self, scope: Scope, right: str) -> Caller:
        secret = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if secret is None:
            raise _unauthorised("got no Authorization, want Bearer and an API key", "")
        kind, _, key = secret.decode("latin-1").partition(" ")
        caller = self._find_caller(key.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            raise _unauthorised("got an API key that is unknown or revoked", ', error="invalid_token"')
        if not caller.may(right):
            raise Problem("forbidden", f"got a key with {_list(caller.scopes)}, want the scope {right}")
        return caller


def _unauthorised(detail: str, more: str) -> Problem:
    return Problem("unauthorised", detail, headers={"WWW-Authenticate": f'Bearer realm="patina"{more}'})


def _list(scopes: frozenset[str]) -> str:
    return " and ".join(sorted(scopes)) or "no scope"


def raw_path_of(scope: Scope) -> str:
    """The path as it stood in the request line, percent-encoded and without the query."""
    raw = scope.get("raw_path")
    if not raw:
        return str(scope["path"])
    path: bytes = raw
    return path.partition(b"?")[0].decode("latin-1")
