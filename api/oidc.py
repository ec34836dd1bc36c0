"""Coming in by an identity provider: OpenID Connect's authorization code flow with PKCE, state and nonce.

authlib asks for the code and exchanges it, joserfc checks the signature of the ID token and its claims; here is what
must hold between the two (OpenID Connect Core 1.0 §3.1.3.7):

1. The answer comes to the browser that asked: ``state`` is the one in its own cookie, not older than ten minutes.
2. The provider's description is of the issuer that the operator configured, letter for letter, over https unless it is
   on this machine.
3. The ID token is signed by a key that the provider publishes now, by an asymmetric algorithm.
4. ``iss`` is the issuer, ``aud`` is us (and ``azp``, if it is there), it has not expired, ``nonce`` is the cookie's.

The cookie holds state, nonce and the PKCE verifier, sealed by the master key, so that whichever process gets the answer
can judge it. Nothing that the provider says is believed further than ``Identity``, and none of it is written down.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.provider import Provider, check_address
from ledger import times
from ledger.errors import Invalid, PatinaError, Unavailable

CALLBACK = "/v1/session/oidc/callback"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LIFE = 10 * times.MINUTE
DISCOVERY_LIFE = times.HOUR
TIMEOUT = 10
"""Seconds that the provider gets for an answer."""
LEEWAY = 60
"""Seconds by which its clock may differ."""
_WRONG = "the identity provider's answer is not one to this browser's request: come in again"
_UNPROVED = "the identity provider's token does not hold: its signature, or what it is for"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider says somebody is; ``email`` is empty unless the provider has verified it."""

    issuer: str
    subject: str = field(repr=False)
    email: str = field(repr=False)
    name: str = field(repr=False)


class Oidc:
    """One provider. Its methods wait for it: call them in a thread."""

    def __init__(self, provider: Provider, public_url: str, clock: Callable[[], int]) -> None:
        check_address(provider.issuer)
        self.provider = provider
        self._redirect, self._clock = public_url + CALLBACK, clock
        self._described: tuple[int, dict[str, Any]] | None = None

    def start(self, after: str = "/") -> tuple[str, bytes]:
        """Where to send the browser, and what to seal into its cookie; ``after`` is where it goes once it came in."""
        verifier, nonce = generate_token(64), generate_token(32)
        endpoint = self._describe()["authorization_endpoint"]
        with self._session() as session:
            url, state = session.create_authorization_url(endpoint, code_verifier=verifier, nonce=nonce)
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "at": self._clock(), "after": after}
        return str(url), json.dumps(kept).encode()

    def finish(self, code: str, state: str, kept: bytes) -> Identity:
        """Who came back with this code; raises ``Unavailable``, or ``Invalid`` for an answer that proves nothing.

        Its pointer is ``/state`` if the answer is none to this browser's request, ``/code`` if it does not hold.
        """
        asked = json.loads(kept)
        # 1. It is this browser's own, and fresh.
        if not hmac.compare_digest(asked["state"].encode(), state.encode()):
            raise Invalid(_WRONG, "/state")
        if not 0 <= self._clock() - asked["at"] < LIFE:
            raise Invalid("the identity provider's answer came too late: come in again", "/state")
        token = self._exchange(code, asked["verifier"])
        return self._identity(token, asked["nonce"])

    def _exchange(self, code: str, verifier: str) -> str:
        """The ID token that the provider gives for a code."""
        endpoint = self._describe()["token_endpoint"]
        try:
            with self._session() as session:
                answer = session.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except (OAuthError, ValueError):
            raise Invalid("the identity provider did not take the code: come in again", "/code") from None
        except requests.RequestException as error:
            raise _unreachable(error) from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Invalid("the identity provider gave no ID token", "/code")
        return token

    def _identity(self, token: str, nonce: str) -> Identity:
        issuer, client = self.provider.issuer, self.provider.client_id
        wanted = jwt.JWTClaimsRegistry(
            now=self._clock() // times.SECOND,
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            # 3. and 4.
            found = jwt.decode(token, KeySet.import_key_set(self._get(self._describe()["jwks_uri"])), ALGORITHMS)
            wanted.validate(found.claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise Invalid(_UNPROVED, "/code") from None
        claims = found.claims
        if claims.get("azp", client) != client:
            raise Invalid("the identity provider's token is for another", "/code")
        email = claims.get("email") if claims.get("email_verified") is True else None
        name = claims.get("name")
        return Identity(
            issuer, claims["sub"], email if isinstance(email, str) else "", name if isinstance(name, str) else ""
        )

    def _describe(self) -> dict[str, Any]:
        """The provider's description of itself, remembered for an hour."""
        now = self._clock()
        if self._described is None or not 0 <= now - self._described[0] < DISCOVERY_LIFE:
            found = self._get(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            # 2. It is of the issuer that was configured.
            if found.get("issuer") != self.provider.issuer:
                raise Unavailable("the identity provider describes another issuer than the one configured")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                check_address(str(found.get(name)))
            self._described = now, found
        return self._described[1]

    def _get(self, address: str) -> Any:
        try:
            answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
            if answer.status_code != requests.codes.ok:
                raise Unavailable(f"the identity provider answers with status {answer.status_code}")
            found = answer.json()
        except requests.RequestException as error:
            raise _unreachable(error) from None
        if not isinstance(found, dict):
            raise Unavailable("the identity provider answers with something else than an object")
        return found

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self.provider.client_id,
            self.provider.client_secret,
            scope="openid email profile",
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
        )
        session.max_redirects = 0
        return session


def _unreachable(error: Exception) -> PatinaError:
    return Unavailable(f"the identity provider does not answer: {type(error).__name__}")
