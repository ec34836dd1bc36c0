"""Owner codes written again from the RFCs: HKDF (5869) on HMAC, Ed25519 (8032), base58, DSSE; nothing of the program.

``python -m tests.reference.holder`` writes the vectors that stand in tests/vectors/holder.json.
"""

from __future__ import annotations

import hmac
import json
import sys
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256, sha512
from typing import Any

from tests.reference import ed25519

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE_Y = 4 * pow(5, -1, ed25519.P) % ed25519.P
BASE = ed25519.decode(BASE_Y.to_bytes(32, "little"))
PAYLOAD_TYPE = "application/vnd.patina.statement.v1+json"
READING_TYPE = "application/vnd.patina.reading.v1+json"

SECRETS = (bytes(range(16)), bytes(16), b"\xff" * 16, bytes.fromhex("8a3f00c1d7e26b594410fe02a9b7c3d5"))
SUBJECTS = (
    "https://id.gs1.org/01/09520123456788/21/R%2F001",
    "https://id.gs1.org/8004/9520123456788-A",
    "urn:uuid:019a2e06-367e-7c4c-84f5-a0974d40644c",
    "urn:uuid:00000000-0000-7000-8000-0000000000ca",
)


def hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256 and no salt, for at most one block."""
    assert length <= 32
    pseudorandom = hmac.new(bytes(32), secret, sha256).digest()
    return hmac.new(pseudorandom, info + b"\x01", sha256).digest()[:length]


def base58(raw: bytes) -> str:
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def typed(secret: bytes) -> str:
    number = int.from_bytes(secret, "big")
    text = ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        text = BASE32[digit] + text
    return text


def public(seed: bytes) -> bytes:
    return ed25519.encode(ed25519.times(ed25519.secret_scalar(seed), BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """RFC 8032 §5.1.6."""
    key = public(seed)
    nonce = int.from_bytes(sha512(sha512(seed).digest()[32:] + message).digest(), "little") % ed25519.L
    r = ed25519.encode(ed25519.times(nonce, BASE))
    s = (nonce + ed25519.challenge(r, key, message) * ed25519.secret_scalar(seed)) % ed25519.L
    return r + s.to_bytes(32, "little")


def envelope(body: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(body), body)


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def statement(number: int) -> dict[str, Any]:
    """Something to sign: names out of order, every kind of value, and text that encoders spell in two ways."""
    subject = SUBJECTS[number]
    return {
        "type": "item.reported_lost",
        "subjects": [subject],
        "party": subject,
        "ledger": f"{number}f" * 32,
        "id": f"urn:uuid:019a2e06-367e-7c4c-84f5-00000000000{number}",
        "grant": "0a" * 32,
        "occurred_at": "2026-11-25T10:00:00.000Z",
        "details": {
            "zeta": [1, -9007199254740991, True, False, None],
            "Alpha": 'quote " slash / back \\ line\nfeed',
            "alpha": "戒指 é \u2028 \U0001f48d",
            "_b": {"y": [], "x": {}},
        },
    }


def vector(number: int) -> dict[str, Any]:
    secret, subject, said = SECRETS[number], SUBJECTS[number], statement(number)
    seed = hkdf(secret, b"patina/v1/holder\n" + subject.encode(), 32)
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    asked = {"subject": subject, "ledger": f"{number}f" * 32, "grant": "0a" * 32, "at": "2026-11-25T10:00:00.000Z"}
    asked_canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "secret": secret.hex(),
        "code": base64url(secret),
        "typed": typed(secret),
        "view_token": base64url(hkdf(secret, b"patina/v1/view\n", 16)),
        "subject": subject,
        "seed": seed.hex(),
        "did": "did:key:z" + base58(b"\xed\x01" + public(seed)),
        "statement": said,
        "canonical": canonical,
        "sig": b64encode(sign(seed, envelope(canonical.encode()))).decode(),
        "asked": asked,
        "asked_sig": b64encode(sign(seed, envelope(asked_canonical.encode(), READING_TYPE))).decode(),
    }


def vectors() -> str:
    """The file."""
    return json.dumps([vector(number) for number in range(len(SECRETS))], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(vectors())
