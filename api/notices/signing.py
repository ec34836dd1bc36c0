"""Signatures of webhooks, in the form of the Standard Webhooks specification, version 1.0.

What is signed is ``{webhook-id}.{webhook-timestamp}.{body}``, by HMAC-SHA-256 under the secret's bytes; the header
``webhook-signature`` has ``v1,`` and the base64 of it, one for each secret that is in force, with spaces between.

>>> from base64 import b64decode
>>> secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
>>> sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256


def sign(secret: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The signature of a message; ``timestamp`` is in seconds since 1970."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, sha256)).decode()


def headers_of(secrets: Sequence[bytes], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that a webhook goes out with."""
    return {
        "content-type": "application/json",
        "user-agent": "patina",
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message, timestamp, body) for secret in secrets),
    }
