"""Errors as RFC 9457 problem documents: the only file that knows which HTTP status an error has.

    {"type": "/docs/problems#conflict", "title": "In conflict with the ledger", "status": 409,
     "detail": "got a second registration of this item, want …", "errors": [{"pointer": "/statement/type",
     "detail": "…"}], "may_follow": ["item.sold"], "request_id": "5f0c…"}

``pointer`` is a JSON pointer (RFC 6901) into the body that was sent, or ``parameter`` names one of the address. Every
answer of 400 and above has this one shape, pages for browsers apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ledger.errors import Disproved, Forbidden, Invalid, Malformed, PatinaError, Refused, Unavailable, Unknown

MEDIA_TYPE = "application/problem+json"

KINDS: Mapping[str, tuple[int, str]] = {
    "malformed": (400, "Not parseable"),
    "unauthorised": (401, "Who is asking?"),
    "forbidden": (403, "Not yours to say"),
    "not_found": (404, "Not found"),
    "method": (405, "Not a method of this address"),
    "conflict": (409, "In conflict with the ledger"),
    "gone": (410, "No longer here"),
    "too_large": (413, "Too large"),
    "media_type": (415, "Not a type of content that is read here"),
    "invalid": (422, "Not valid"),
    "too_many": (429, "Too many requests"),
    "internal": (500, "A fault of this service"),
    "unavailable": (503, "Not available now"),
}
"""Name of a kind of problem → status and title; the names are anchors of the documentation page."""

RETRY_AFTER = "1"
"""Seconds: a batch of 64 is committed in less, so a full queue has room again."""


MOST_ALSO = 99
"""Of what else is wrong in one body: nobody mends more at once."""


class Problem(Exception):
    """One problem; ``pointer`` is where in the body, ``parameter`` which part of the address.

    ``also`` are other places in the body with what is wrong there.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        pointer: str | None = None,
        parameter: str | None = None,
        may_follow: tuple[str, ...] = (),
        also: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.pointer = pointer
        self.parameter = parameter
        self.may_follow = may_follow
        self.also = also
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind][0]


def problem_of(error: PatinaError, root: str = "") -> Problem:
    """The problem that an error of the ledger is; ``root`` is the pointer of what the error's pointer starts from."""
    kind, headers = _kind_of(error)
    may_follow = error.may_follow if isinstance(error, Refused) else ()
    pointer = root + error.pointer if kind in {"malformed", "invalid", "conflict", "forbidden"} else None
    others = error.also[:MOST_ALSO] if isinstance(error, Invalid) else ()
    also = tuple((root + one.pointer, one.message) for one in others)
    return Problem(kind, error.message, pointer=pointer, may_follow=may_follow, also=also, headers=headers)


def _kind_of(error: PatinaError) -> tuple[str, Mapping[str, str]]:
    match error:
        case Malformed():
            return "malformed", {}
        case Invalid() | Unknown():
            return "invalid", {}
        case Forbidden():
            return "forbidden", {}
        case Refused():
            return "conflict", {}
        case Unavailable() | Disproved():
            return "unavailable", {"Retry-After": RETRY_AFTER}
        case _:
            raise AssertionError(f"no problem for {type(error).__name__}")


def format_problem(problem: Problem, request_id: str) -> dict[str, object]:
    """The members of the document."""
    status, title = KINDS[problem.kind]
    document: dict[str, object] = {
        "type": f"/docs/problems#{problem.kind}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "errors": [],
        "request_id": request_id,
    }
    if problem.pointer is not None:
        places = ((problem.pointer, problem.detail), *problem.also)
        document["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in places]
    elif problem.parameter is not None:
        document["errors"] = [{"parameter": problem.parameter, "detail": problem.detail}]
    if problem.may_follow:
        document["may_follow"] = list(problem.may_follow)
    return document


def problem_response(problem: Problem, request_id: str) -> Response:
    """The answer."""
    return Response(
        msgspec.json.encode(format_problem(problem, request_id)),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def request_id_of(request: Request) -> str:
    """The id that the edge gave to this request."""
    return str(request.scope["request_id"])


def not_found(what: str = "nothing here") -> Problem:
    """404: the same words whatever was looked for, where a guess must learn nothing."""
    return Problem("not_found", what)
