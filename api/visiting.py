"""Console sessions at the edge: cookies, and what proves that a request was made by our own page.

A visit's secret travels in a cookie that scripts cannot read and other sites' forms cannot make use of:

    https:                __Host-patina-session=…; Path=/; HttpOnly; SameSite=Lax; Secure
    http on this machine  patina-session=…; Path=/; HttpOnly; SameSite=Lax

The prefix makes a browser refuse such a cookie from a subdomain, from plain http or for another path, so nobody else
can plant one. Safari keeps no secure cookie of http://localhost, hence the second form, for loopback addresses only;
over plain http to any other host no password is taken at all.

A request that changes something needs more than the cookie, which a browser sends along whoever made the form: the
header ``Patina-Csrf``, whose value is told to our own page alone, and no ``Origin`` or ``Sec-Fetch-Site`` of another.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.types import Scope

from api.problems import Problem
from api.provider import is_loopback
from api.rights import ENTRIES, Caller
from api.roles import family, rights_of
from api.settings import Settings
from ledger.db.ledger import Ledger
from ledger.db.visits import LONGEST
from ledger.times import SECOND

SESSION_COOKIE = "patina-session"
TABLET_COOKIE = "patina-device"
CSRF_HEADER = b"patina-csrf"
OIDC_COOKIE = "patina-oidc"
OIDC_SECONDS = 600
TABLET_SECONDS = 400 * 24 * 3600
"""What browsers keep a cookie for at most (RFC 6265bis)."""
SAFE = frozenset({"GET", "HEAD"})
_MAX_COOKIE = 1024
_AUDITORS = frozenset({ENTRIES})
_NONE: frozenset[str] = frozenset()


class Visiting:
    """What the gate and the routes of sessions ask about a request."""

    def __init__(self, settings: Settings, ledger: Callable[[], Ledger]) -> None:
        parts = urlsplit(settings.public_url)
        self._ledger = ledger
        self._scheme, self._secure = parts.scheme, parts.scheme == "https"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._here = is_loopback(parts.hostname or "")
        prefix = "__Host-" if self._secure else ""
        self._session, self._tablet = prefix + SESSION_COOKIE, prefix + TABLET_COOKIE
        self._oidc = prefix + OIDC_COOKIE

    def caller(self, scope: Scope) -> Caller | None:
        """Who a session speaks for, if the request has one; raises ``Problem`` 403 for a forged request."""
        secret = self.session_secret(scope)
        found = None if secret is None else self._ledger().access.visits.find(secret, self.tablet_secret(scope))
        if secret is None or found is None:
            return None
        if scope["method"] not in SAFE:
            self.check_origin(scope)
            told = header(scope, CSRF_HEADER)
            if told is None or not hmac.compare_digest(told.encode("latin-1"), csrf_token(secret).encode()):
                raise Problem("forbidden", "want the header Patina-Csrf with the value that GET /v1/session tells")
        rights = rights_of(found.role, operator=found.party == self._ledger().operator)
        return Caller(
            found.party,
            frozenset(),
            "",
            rights=rights | party_rights(self._ledger(), found.party),
            person=found.person,
            role=found.role,
            agent=found.agent,
            below=self.below,
        )

    def below(self, party: str) -> frozenset[str]:
        """A party and all that name it as their parent, directly or through others, by the log as it is now."""
        return family(party, {one: found.parent for one, found in self._ledger().view.parties.parties.items()})

    def check_private(self) -> None:
        """Raise ``Problem`` 403 where a password would travel in clear."""
        if not (self._secure or self._here):
            raise Problem("forbidden", "no one comes in over plain http: want https in PATINA_PUBLIC_URL")

    def check_origin(self, scope: Scope) -> None:
        """Raise ``Problem`` 403 if a browser says that a page of another site, or under another address, made this.

        An address of this machine will do where the page itself is under it: nobody else has a page there. A name that
        somebody else has pointed here is none, whatever it leads to.
        """
        if header(scope, b"sec-fetch-site") not in {None, "same-origin", "none"}:
            raise Problem("forbidden", "got a request that another site's page made")
        origin, host = header(scope, b"origin"), header(scope, b"host")
        if origin is None or origin == self._origin:
            return
        if origin != f"{self._scheme}://{host}":
            raise Problem("forbidden", "got a request that another site's page made")
        if not _is_of_this_machine(origin):
            raise Problem("forbidden", f"got a page under another address, want {self._origin} (PATINA_PUBLIC_URL)")

    def session_secret(self, scope: Scope) -> str | None:
        """The secret of the session's cookie."""
        return cookie(scope, self._session)

    def tablet_secret(self, scope: Scope) -> str | None:
        """The secret of the tablet's cookie."""
        return cookie(scope, self._tablet)

    def session_cookie(self, secret: str | None) -> str:
        """The ``Set-Cookie`` of a session; ``None`` takes it away."""
        return self._cookie(self._session, secret, LONGEST // SECOND)

    def tablet_cookie(self, secret: str) -> str:
        """The ``Set-Cookie`` of a tablet."""
        return self._cookie(self._tablet, secret, TABLET_SECONDS)

    def oidc_secret(self, scope: Scope) -> str | None:
        """What is kept of a request to the identity provider."""
        return cookie(scope, self._oidc)

    def oidc_cookie(self, sealed: str | None) -> str:
        """The ``Set-Cookie`` of a request to the identity provider; ``None`` takes it away."""
        return self._cookie(self._oidc, sealed, OIDC_SECONDS)

    def _cookie(self, name: str, secret: str | None, seconds: int) -> str:
        life = 0 if secret is None else seconds
        end = "; Secure" if self._secure else ""
        return f"{name}={secret or ''}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{end}"


def _is_of_this_machine(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def party_rights(ledger: Ledger, party: str) -> frozenset[str]:
    """What a party may because of its own role in the log: registered auditors read all entries."""
    return _AUDITORS if "auditor" in ledger.view.parties.roles(party) else _NONE


def csrf_token(secret: str) -> str:
    """What only a page that may read our answers knows of a session."""
    return urlsafe_b64encode(sha256(b"patina csrf\n" + secret.encode("latin-1")).digest()).rstrip(b"=").decode()


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name."""
    return next((value.decode("latin-1") for other, value in scope["headers"] if other == name), None)


def cookie(scope: Scope, name: str) -> str | None:
    """The one cookie of this name; none if two are sent, one of which somebody else has planted."""
    found: list[str] = []
    for other, value in scope["headers"]:
        if other == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, text = part.strip().partition("=")
                if key == name:
                    found.append(text)
    return found[0] if len(found) == 1 and 0 < len(found[0]) <= _MAX_COOKIE and found[0].isascii() else None
