"""An identity provider for tests: real HTTP on this machine, real keys, and a knob for each thing that may be wrong."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from ledger import times

CLIENT, SECRET = "patina", "not a real secret"


@cache
def _rsa(_: str) -> RSAKey:
    """A key, the same for a name: to find two primes takes longer than most tests."""
    return RSAKey.generate_key(2048, {"kid": "rsa"})


class FakeProvider:
    """Its ``claims`` go into the next ID token over the right ones; ``key`` signs it, ``keys`` are published."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.issuer = ""
        self.rsa, self.stranger = _rsa("its own"), _rsa("a stranger's")
        self.ec = ECKey.generate_key("P-256", {"kid": "ec"})
        self.key, self.algorithm = self.rsa, "RS256"
        self.claims: dict[str, Any] = {}
        self.description: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens = 0
        self.denies = False

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser brings back after the person agreed at this address: code and state."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            there = {name: f"{self.issuer}/{path}" for name, path in paths.items()}
            return {"issuer": self.issuer} | there | self.description
        if path == "/jwks":
            return dict(KeySet([self.rsa, self.ec]).as_dict(private=False))
        return None

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a code once, by the client that has the secret and the verifier."""
        who = b64decode(authorization.removeprefix("Basic ")).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        if who not in {f"{CLIENT}:{SECRET}", f"{CLIENT}:{secrets_quoted()}"} or asked is None:
            return 400, {"error": "invalid_grant"}
        digest = sha256(form["code_verifier"].encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = self.clock() // times.SECOND
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "email": "iris@example.org", "email_verified": True} | self.claims
        header = {"alg": self.algorithm, "kid": self.key.kid}
        self.tokens += 1
        signed = jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, self.key, [self.algorithm])
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": signed}


def secrets_quoted() -> str:
    return urlencode({"": SECRET})[1:]


def answering(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    """What a server answers in the name of a provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                self.send_back(provider.authorize(provider.issuer + self.path))
                return
            found = provider.answer(self.path)
            self.send(404 if found is None else 200, found or {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            assert unquote(self.path) == "/token"
            self.send(*provider.token(form, self.headers.get("Authorization", "")))

        def send_back(self, answer: dict[str, str]) -> None:
            """A person who agrees at once, or does not."""
            there = provider.codes[answer["code"]]["redirect_uri"]
            said = {"error": "access_denied", "state": answer["state"]} if provider.denies else answer
            self.send_response(303)
            self.send_header("Location", f"{there}?{urlencode(said)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send(self, status: int, value: dict[str, Any]) -> None:
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
            """Be silent."""

    return Handler


@contextmanager
def fake_provider(clock: Any) -> Iterator[FakeProvider]:
    """A provider on a free port of this machine while the block runs."""
    provider = FakeProvider(clock)
    server = ThreadingHTTPServer(("127.0.0.1", 0), answering(provider))
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
