"""The certificate of ``patina serve --tls``: a given one, or one that this machine makes for itself.

For a shop's own network, where no public authority vouches for an address such as 192.168.1.20. The one that is made
names this machine and its address, lies in the ledger's folder beside its key (``tls/``, readable by its owner alone)
and is made again when it is about to end or the names have changed. Its fingerprint is printed, to be compared on each
tablet when the certificate is installed there: who skips that is safe from listeners, but not from an impostor.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.settings import EVERY_ADDRESS, lan_address
from ledger.errors import Unavailable

FOLDER = "tls"
DAYS = 398
"""What browsers take at most of a certificate (CA/Browser Forum, ballot SC31)."""
RENEWED = timedelta(days=30)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a certificate and its key lie, both PEM."""

    certificate: Path
    key: Path

    def fingerprint(self) -> str:
        """SHA-256 of the certificate as browsers show it: pairs of hexadecimal digits; raises ``Unavailable``."""
        digest = _read(self.certificate).fingerprint(hashes.SHA256()).hex().upper()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def given(certificate: Path, key: Path) -> Pair:
    """A certificate that somebody has; raises ``Unavailable`` unless both files are there and belong together."""
    found = _read(certificate)
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable(f"cannot read the key {key}: want PEM without a password ({type(error).__name__})") from None
    if private.public_key() != found.public_key():
        raise Unavailable(f"the key {key} is not the one of the certificate {certificate}")
    return Pair(certificate, key)


def own(directory: Path, host: str, now: datetime | None = None) -> Pair:
    """The certificate that this machine has made for itself in the ledger's folder, or makes now."""
    now = now or datetime.now(UTC)
    pair = Pair(directory / FOLDER / "certificate.pem", directory / FOLDER / "key.pem")
    names = names_of(host)
    if pair.certificate.is_file() and pair.key.is_file():
        found = _read(pair.certificate)
        if found.not_valid_after_utc - now > RENEWED and _named(found) == set(names):
            return pair
    _make(pair, names, now)
    return pair


def names_of(host: str) -> list[str]:
    """What the machine is called from inside the shop's network."""
    here = lan_address() if host in EVERY_ADDRESS else host
    return list(dict.fromkeys((here, socket.gethostname().lower(), *_LOOPBACK)))


def _make(pair: Pair, names: Sequence[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Patina on {names[0]}"[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pair.key.parent.mkdir(mode=0o700, exist_ok=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(pair.key, secret)
    _write(pair.certificate, made.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, raw: bytes) -> None:
    """The whole file or none, readable by its owner alone from the start."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(raw)
    beside.replace(path)


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Unavailable(f"cannot read the certificate {path}: want PEM ({type(error).__name__})") from None


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _named(found: x509.Certificate) -> set[str]:
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(one.value) for one in names}
