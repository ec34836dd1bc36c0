"""The identity provider that the operator configured, if any: who says who people are, and who we are to it.

Its settings are ``PATINA_OIDC_ISSUER`` (such as https://id.example.org), ``PATINA_OIDC_CLIENT_ID``,
``PATINA_OIDC_CLIENT_SECRET`` and, only if people who are new here are to be made, ``PATINA_OIDC_CREATE``
(``staff@urn:uuid:…``: role and party).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ledger.errors import Invalid


@dataclass(frozen=True, slots=True)
class Provider:
    """Who says who people are, and who we are to it; ``create`` is role and party of people who are new to us."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    create: tuple[str, str] | None = None


def read_provider(environ: Mapping[str, str]) -> Provider | None:
    """The provider that the environment names, if it does; raises ``Invalid`` for half of one.

    ``PATINA_OIDC_CREATE`` is ``role@party``: then whoever the provider vouches for gets a person there.
    """
    names = ("PATINA_OIDC_ISSUER", "PATINA_OIDC_CLIENT_ID", "PATINA_OIDC_CLIENT_SECRET")
    given = [environ.get(name, "") for name in names]
    if not any(given):
        return None
    if not all(given):
        raise Invalid(f"got some of {', '.join(names)}, want all or none")
    role, at, party = environ.get("PATINA_OIDC_CREATE", "").partition("@")
    if bool(at) != bool(role and party):
        raise Invalid("got PATINA_OIDC_CREATE out of form, want role@party")
    check_address(given[0])
    return Provider(given[0], given[1], given[2], (role, party) if at else None)


def check_address(address: str) -> None:
    """Raise ``Invalid`` unless https, or http on this machine."""
    parts = urlsplit(address)
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))):
        raise Invalid("got an address of the identity provider that is not https")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
