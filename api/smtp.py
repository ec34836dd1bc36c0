"""The mail server that the operator configured, if any: ``PATINA_SMTP_URL`` and ``PATINA_MAIL_FROM``.

``smtps://`` speaks TLS from the first byte (port 465 unless it is said); ``smtp://`` (port 587) asks for STARTTLS, and
goes on without it only on this machine: neither a password nor a customer's address travels in clear.

>>> read_mail({"PATINA_SMTP_URL": "smtp://patina:s%40cret@mail.example", "PATINA_MAIL_FROM": "care@shop.example"})
Mail(host='mail.example', port=587, sender='care@shop.example', tls=False, user='patina')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ledger.errors import Invalid

URL_NAME, FROM_NAME = "PATINA_SMTP_URL", "PATINA_MAIL_FROM"
_PORTS = {"smtp": 587, "smtps": 465}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail is handed in, and from whom it comes; ``tls`` from the first byte."""

    host: str
    port: int
    sender: str
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain e-mail address (RFC 5321, without quotes): nothing that could end a header."""
    return _ADDRESS.fullmatch(text) is not None


def read_mail(environ: Mapping[str, str]) -> Mail | None:
    """The mail server that the environment names, if it does; raises ``Invalid``."""
    url, sender = environ.get(URL_NAME, ""), environ.get(FROM_NAME, "")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query:
        raise Invalid(
            f"got {URL_NAME} out of form, want smtp:// or smtps://, name:password@ where wanted, host and port"
        )
    if not is_address(sender):
        raise Invalid(f"got {FROM_NAME} that is no e-mail address, which {URL_NAME} wants")
    return Mail(
        host=host,
        port=port or _PORTS[parts.scheme],
        sender=sender,
        tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
