"""Routes that match the raw path, so that an id of an item is one segment however many slashes it has (amendments R4).

``encodeURIComponent`` and a percent-encoded ``!'()*`` make ``https://id.gs1.org/01/…/21/R%2F001`` one segment; a
server that decodes a path before it matches would take its slashes for its own, and one that decodes twice would make
another item of it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem
from api.rights import path_pattern, raw_path_of

GUESSED = frozenset({"token", "short_code"})
"""Parameters of which a malformed one must look like an unknown one: not UTF-8 is one more that leads nowhere."""

Endpoint = Callable[[Request], Awaitable[Response]]


class RawRoute(Route):
    """A Starlette route whose parameters come from the raw path, each decoded once."""

    def __init__(self, path: str, endpoint: Endpoint, method: str = "GET") -> None:
        super().__init__(path, endpoint, methods=[method])
        self._fullmatch = re.compile(path_pattern(path)).fullmatch

    def params(self, path: str) -> dict[str, str] | None:
        """The parameters in a raw path, or ``None`` if it is not this route's; raises ``Problem`` 400 unless UTF-8."""
        found = self._fullmatch(path)
        if found is None:
            return None
        return {name: _decode(value, guessed=name in GUESSED) for name, value in found.groupdict().items()}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the raw path."""
        params = self.params(raw_path_of(scope)) if scope["type"] == "http" else None
        if params is None:
            return Match.NONE, {}
        full = scope["method"] in (self.methods or ())
        return Match.FULL if full else Match.PARTIAL, {"endpoint": self.endpoint, "path_params": params}


class Direct:
    """Calls raw routes without a router: the gate has matched the path already, and says which by ``template``.

    FastAPI's own layers and Starlette's router cost as much again as a whole small answer. What an endpoint raises is
    made an answer by ``Edge``.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[RawRoute]) -> None:
        self.app = app
        self._routes = {(method, route.path): route for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to a raw route, and pass on any other."""
        route = self._routes.get((scope["method"], scope["template"])) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["path_params"] = route.params(raw_path_of(scope))
        response: Response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


def _decode(raw: str, *, guessed: bool) -> str:
    if "%" not in raw:
        return raw
    if guessed:
        return unquote_to_bytes(raw).decode(errors="replace")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Problem("malformed", "got a path whose percent-encoding is not UTF-8") from None
