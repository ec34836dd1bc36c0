"""Who may call which address: one table, read before any route, so that what is not listed is denied.

A bearer key (``Authorization: Bearer pk_…``) belongs to a party and has scopes: ``read``; ``write``, which includes it;
``signing``, which includes both; and ``admin``, which includes all and is the operator's. Paths are matched raw, still
percent-encoded: an item's id is one segment (amendments R4), and decoding it before matching would cut an id with a
slash in it in two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, not_found

PUBLIC = "public"
READ = "read"
WRITE = "write"
ADMIN = "admin"
SIGNING = "signing"
"""A party's signing keys: more than ``write``, for whoever steals a till's key must not put his own in their place."""
ENTRIES = "entries"
"""Public, or the operator's and registered auditors', as the setting ``entries_public`` says."""
SESSION = "session"
"""A person who came in by the console; no API key has it."""
PEOPLE = "people"
DEVICES = "devices"
KEYS = "keys"
GRANTS = "grants"
WEBHOOKS = "webhooks"
"""A party's people, its tablets, its API keys, what it grants auditors, and where it has things sent."""
REPORTS = "reports"
"""To read and ask for reports; to schedule them is the right to grant."""

_RUN = frozenset({READ, WRITE, SIGNING, ENTRIES, PEOPLE, DEVICES, KEYS, GRANTS, WEBHOOKS, REPORTS})
SCOPES = {
    READ: frozenset({READ, REPORTS}),
    WRITE: frozenset({READ, WRITE, REPORTS}),
    SIGNING: frozenset({READ, WRITE, SIGNING, WEBHOOKS, REPORTS}),
    ADMIN: _RUN | {ADMIN},
}
"""What a scope includes."""

RIGHTS: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/statements", WRITE),
    ("POST", "/v1/statements/batch", WRITE),
    ("GET", "/v1/statements/{id}", READ),
    ("GET", "/v1/statements/{id}/paper", READ),
    ("POST", "/v1/items", WRITE),
    ("GET", "/v1/items", READ),
    ("GET", "/v1/items/{id:path}/history", READ),
    ("GET", "/v1/items/{id:path}/qr.svg", READ),
    ("GET", "/v1/items/{id:path}/qr.png", READ),
    ("POST", "/v1/items/{id:path}/codes", WRITE),
    ("GET", "/v1/items/{id:path}/codes", READ),
    ("DELETE", "/v1/items/{id:path}/codes/{code}", WRITE),
    ("POST", "/v1/codes", WRITE),
    ("GET", "/v1/codes", READ),
    ("DELETE", "/v1/codes/{code}", WRITE),
    ("GET", "/v1/items/{id:path}/responsibility", READ),
    ("GET", "/v1/items/{id:path}", READ),
    ("GET", "/v1/cases", READ),
    ("GET", "/v1/cases/{id}", READ),
    ("GET", "/v1/maintenance", READ),
    ("POST", "/v1/check", WRITE),
    ("POST", "/v1/erasures", WRITE),
    ("GET", "/v1/erasures", READ),
    ("GET", "/v1/erasures/{id}", READ),
    ("GET", "/v1/parties", ADMIN),
    ("POST", "/v1/parties", ADMIN),
    ("GET", "/v1/keys", KEYS),
    ("POST", "/v1/keys", KEYS),
    ("POST", "/v1/keys/{id}/rotation", KEYS),
    ("DELETE", "/v1/keys/{id}", KEYS),
    ("GET", "/v1/signing-keys", READ),
    ("POST", "/v1/signing-keys", SIGNING),
    ("POST", "/v1/signing-keys/rotate", SIGNING),
    ("POST", "/v1/signing-keys/revoke", SIGNING),
    ("GET", "/v1/parties/{id}/standards", PUBLIC),
    ("POST", "/v1/parties/{id}/suspend", ADMIN),
    ("POST", "/v1/parties/{id}/reinstate", ADMIN),
    ("POST", "/v1/attachments", WRITE),
    ("GET", "/v1/attachments/{sha256}", READ),
    ("GET", "/v1/attachments/{sha256}/thumbnail", READ),
    ("GET", "/i/{token}/attachments/{sha256}", PUBLIC),
    ("GET", "/i/{token}/attachments/{sha256}/thumbnail", PUBLIC),
    ("POST", "/i/{token}/attachments/{sha256}", PUBLIC),
    ("POST", "/i/{token}/attachments", PUBLIC),
    ("GET", "/c/{token}/attachments/{sha256}", PUBLIC),
    ("GET", "/c/{token}/attachments/{sha256}/thumbnail", PUBLIC),
    ("POST", "/v1/find", READ),
    ("GET", "/v1/readings", READ),
    ("GET", "/v1/signals", READ),
    ("GET", "/v1/risks", READ),
    ("GET", "/v1/parties/{id}/feedback", READ),
    ("GET", "/p/{party}", PUBLIC),
    ("GET", "/p/{party}/qr.svg", PUBLIC),
    ("GET", "/p/{party}/qr.png", PUBLIC),
    ("POST", "/p/{party}/cases", PUBLIC),
    ("POST", "/v1/session", PUBLIC),
    ("GET", "/v1/session", SESSION),
    ("DELETE", "/v1/session", SESSION),
    ("POST", "/v1/session/password", SESSION),
    ("POST", "/v1/session/pin", PUBLIC),
    ("GET", "/v1/session/people", PUBLIC),
    ("POST", "/v1/session/device", PUBLIC),
    ("GET", "/v1/session/oidc", PUBLIC),
    ("GET", "/v1/session/oidc/callback", PUBLIC),
    ("GET", "/v1/devices", DEVICES),
    ("POST", "/v1/devices", DEVICES),
    ("POST", "/v1/devices/{id}/key", DEVICES),
    ("DELETE", "/v1/devices/{id}", DEVICES),
    ("GET", "/v1/grants", READ),
    ("POST", "/v1/grants", GRANTS),
    ("DELETE", "/v1/grants/{id}", GRANTS),
    ("GET", "/v1/webhooks", WEBHOOKS),
    ("POST", "/v1/webhooks", WEBHOOKS),
    ("POST", "/v1/webhooks/{id}", WEBHOOKS),
    ("DELETE", "/v1/webhooks/{id}", WEBHOOKS),
    ("POST", "/v1/webhooks/{id}/rotation", WEBHOOKS),
    ("POST", "/v1/webhooks/{id}/test", WEBHOOKS),
    ("POST", "/v1/webhooks/{id}/replay", WEBHOOKS),
    ("GET", "/v1/notices", READ),
    ("GET", "/v1/addresses", WEBHOOKS),
    ("POST", "/v1/addresses", WEBHOOKS),
    ("DELETE", "/v1/addresses/{id}", WEBHOOKS),
    ("GET", "/v1/reports", REPORTS),
    ("POST", "/v1/reports", REPORTS),
    ("GET", "/v1/reports/{id}", REPORTS),
    ("GET", "/v1/report-schedules", REPORTS),
    ("POST", "/v1/report-schedules", GRANTS),
    ("DELETE", "/v1/report-schedules/{id}", GRANTS),
    ("GET", "/v1/people", PEOPLE),
    ("POST", "/v1/people", PEOPLE),
    ("POST", "/v1/people/{id}", PEOPLE),
    ("DELETE", "/v1/people/{id}", PEOPLE),
    ("GET", "/checkpoint", PUBLIC),
    ("GET", "/tile/entries/{path:path}", ENTRIES),
    ("GET", "/tile/{path:path}", PUBLIC),
    ("GET", "/v1/log/proof/inclusion", PUBLIC),
    ("GET", "/v1/log/proof/consistency", PUBLIC),
    ("GET", "/v1/log/map/{subject:path}", PUBLIC),
    ("GET", "/v1/log/keys", PUBLIC),
    ("GET", "/v1/log/health", READ),
    ("GET", "/i/{token}", PUBLIC),
    ("GET", "/i/{token}/history", PUBLIC),
    ("GET", "/i/{token}/papers/{statement}", PUBLIC),
    ("GET", "/i/{token}/qr.svg", PUBLIC),
    ("GET", "/i/{token}/qr.png", PUBLIC),
    ("POST", "/i/{token}/history", PUBLIC),
    ("POST", "/i/{token}/statements", PUBLIC),
    ("GET", "/c/{token}", PUBLIC),
    ("GET", "/c/{token}/history", PUBLIC),
    ("POST", "/c/{token}/history", PUBLIC),
    ("GET", "/c/{token}/qr.svg", PUBLIC),
    ("GET", "/c/{token}/qr.png", PUBLIC),
    ("POST", "/c/{token}/statements", PUBLIC),
    ("GET", "/n/{token}", PUBLIC),
    ("POST", "/n/{token}", PUBLIC),
    ("GET", "/a/{token}", PUBLIC),
    ("POST", "/a/{token}", PUBLIC),
    ("POST", "/v1/receipts", WRITE),
    ("DELETE", "/v1/receipts/{receipt}", WRITE),
    ("GET", "/r/{token}", PUBLIC),
    ("GET", "/r/{token}/paper", PUBLIC),
    ("GET", "/r/{token}/qr.svg", PUBLIC),
    ("GET", "/r/{token}/qr.png", PUBLIC),
    ("GET", "/o", PUBLIC),
    ("GET", "/s/{short_code}", PUBLIC),
    ("GET", "/01/{gtin}/21/{serial}", PUBLIC),
    ("GET", "/8004/{giai}", PUBLIC),
    ("GET", "/healthz", PUBLIC),
    ("GET", "/readyz", PUBLIC),
    ("GET", "/metrics", ADMIN),
    ("GET", "/", PUBLIC),
    ("GET", "/docs", PUBLIC),
    ("GET", "/docs/problems", PUBLIC),
    ("GET", "/openapi.json", PUBLIC),
    ("GET", "/static/{name}", PUBLIC),
    ("GET", "/static/{mark}/{name}", PUBLIC),
    ("GET", "/console", PUBLIC),
    ("GET", "/console/worker.js", PUBLIC),
    ("GET", "/console/files/{mark}/{name}", PUBLIC),
    ("GET", "/console/ledger", PUBLIC),
    ("GET", "/console/ledger/{page}", PUBLIC),
    ("GET", "/console/{page}", PUBLIC),
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
    """Who a bearer key or a session speaks for; ``person``, ``role`` and ``agent`` are those of a session."""

    party: str
    scopes: frozenset[str]
    key_id: str
    rights: frozenset[str] = frozenset()
    """What a person's role (``api.roles``) or the party's own role gives."""
    person: str | None = None
    role: str | None = None
    agent: str | None = None
    below: Callable[[str], frozenset[str]] = field(default=lambda party: frozenset({party}), repr=False, compare=False)

    @property
    def sees(self) -> frozenset[str]:
        """The parties whose things it sees: its own and, for a chain, those below it (``api.roles.family``)."""
        return self.below(self.party)

    def may(self, right: str) -> bool:
        """Whether the key's scopes or the person's role include ``right``."""
        return right in self.rights or any(right in SCOPES.get(scope, ()) for scope in self.scopes)


class Gate:
    """Wraps ``app``: a request that ``RIGHTS`` does not know or allow never reaches a route."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        find_caller: Callable[[str], Caller | None],
        find_visitor: Callable[[Scope], Caller | None],
        entries_public: bool,
    ) -> None:
        self.app = app
        self._find_caller, self._find_visitor = find_caller, find_visitor
        self._entries = PUBLIC if entries_public else ENTRIES
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
            # A key is sent on purpose, a cookie by every browser that has one: the key decides where both are there.
            caller = self._find_visitor(scope)
            if caller is None:
                raise _unauthorised("got no Authorization, want Bearer and an API key, or a session", "")
        else:
            kind, _, key = secret.decode("latin-1").partition(" ")
            if kind.lower() != "bearer":
                raise _unauthorised("got an Authorization of another kind, want Bearer and an API key", "")
            caller = self._find_caller(key.strip())
            if caller is None:
                raise _unauthorised("got an API key that is unknown, revoked or expired", ', error="invalid_token"')
        if not caller.may(right):
            got = f"a key with {_list(caller.scopes)}" if caller.role is None else f"the role {caller.role}"
            raise Problem("forbidden", f"got {got}, want the right {right}")
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
