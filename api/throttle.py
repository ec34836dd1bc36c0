"""Whoever asks for many view codes that lead nowhere waits, before any is looked up: plain ASGI inside the gate.

An address that was wrong too often is refused whatever code it asks for: if it still got pages by right codes, it
could go on guessing. Nothing is read, and nothing is written down, for a request that finds what it asked for.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import Limits
from api.problems import Problem

NOT_FOUND = 404


class Throttle:
    """Wraps ``app``; acts on addresses with a ``{token}`` or a ``{short_code}`` in their path."""

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or raise ``Problem`` 429."""
        template = scope.get("template", "")
        if "{token}" not in template and "{short_code}" not in template:
            await self.app(scope, receive, send)
            return
        address = self._limits.address_of(scope)
        self._limits.tokens.check(address)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == NOT_FOUND:
                self._limits.tokens.count(address)
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Problem as problem:
            if problem.status == NOT_FOUND:
                self._limits.tokens.count(address)
            raise
