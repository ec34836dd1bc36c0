"""Routes that match the raw path, so that an id of an item is one segment however many slashes it has (amendments R4).

``encodeURIComponent`` and a percent-encoded ``!'()*`` make ``https://id.gs1.org/01/…/21/R%2F001`` one segment; a
server that decodes a path before it matches would take its slashes for its own, and one that decodes twice would make
another item of it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from api.problems import Problem
from api.rights import path_pattern, raw_path_of

Endpoint = Callable[[Request], Awaitable[Response]]


class RawRoute(Route):
    """A Starlette route whose parameters come from the raw path, each decoded once."""

    def __init__(self, path: str, endpoint: Endpoint, method: str = "GET") -> None:
        super().__init__(path, endpoint, methods=[method])
        self._fullmatch = re.compile(path_pattern(path)).fullmatch

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the raw path; raises ``Problem`` 400 for a parameter that is not UTF-8."""
        found = self._fullmatch(raw_path_of(scope)) if scope["type"] == "http" else None
        if found is None:
            return Match.NONE, {}
        params = {name: _decode(value) for name, value in found.groupdict().items()}
        full = scope["method"] in (self.methods or ())
        return Match.FULL if full else Match.PARTIAL, {"endpoint": self.endpoint, "path_params": params}


def _decode(raw: str) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Problem("malformed", "got a path whose percent-encoding is not UTF-8") from None
