"""A suspended party's API keys and people read, and revoke the party's signing keys; they change nothing else.

Of a suspended party the ledger accepts nothing but ``key.revoked`` (events.md §1, authority rule 5). Whatever else a
service can do for a party (view codes, people, files) is refused here, for all addresses at once: only those that lead
to a revocation are let through, where the ledger's own rule decides.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem
from api.rights import Caller

LET_THROUGH = frozenset(
    {"/v1/statements", "/v1/statements/batch", "/v1/signing-keys/revoke", "/v1/session", "/v1/session/password"}
    | {"/v1/keys/{id}", "/v1/find"}
)
"""Templates of addresses by which a key is revoked, a person leaves or changes a password that somebody saw, and one
that reads although its question stands in a body."""
READS = frozenset({"GET", "HEAD"})


class Suspension:
    """Stands behind ``Gate``, which says who asks; raises ``Problem`` 403."""

    def __init__(self, app: ASGIApp, is_suspended: Callable[[str], bool]) -> None:
        self.app = app
        self._is_suspended = is_suspended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through unless it would change something for a suspended party."""
        caller = scope.get("caller")
        if (
            isinstance(caller, Caller)
            and scope["method"] not in READS
            and scope["template"] not in LET_THROUGH
            and self._is_suspended(caller.party)
        ):
            raise Problem(
                "forbidden", "this party is suspended: it reads, and revokes its keys, and changes nothing else"
            )
        await self.app(scope, receive, send)
