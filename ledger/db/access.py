"""Who may use the service: API keys, parties' signing keys in custody, and view codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.dsse import SigningKey

if TYPE_CHECKING:
    from ledger.db.append import Row


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret; ``party`` is whom it acts for."""

    id: str
    party: str
    scopes: tuple[str, ...]
    label: str
    created_at: str
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A party's signing key in the service's custody."""

    did: str
    party: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Code:
    """A view code without its token: what it opens (``subject``), its ``kind`` and the ``level`` it gives now."""

    id: str
    subject: str
    kind: str
    level: str
    created_at: str
    revoked_at: str | None


class Access:
    """Keys and codes; secrets are kept hashed (SHA-256 of 128 or more random bits) or wrapped by the master key."""

    def create_api_key(self, party: str, scopes: Iterable[str], label: str = "") -> str:
        """Create an API key and return its secret (``pk_`` and base64url), which is shown only now."""
        raise NotImplementedError

    def find_api_key(self, secret: str) -> ApiKey | None:
        """The key of this secret, unless unknown, malformed or revoked; remembered for a few seconds."""
        raise NotImplementedError

    def revoke_api_key(self, key_id: str) -> bool:
        """Revoke a key by its id; return whether it was in force."""
        raise NotImplementedError

    def api_keys(self, party: str | None = None) -> list[ApiKey]:
        """All API keys, of one party if named, oldest first."""
        raise NotImplementedError

    def keep_party_key(self, party: str, seed: bytes) -> SigningKey:
        """Keep a party's key (its seed of 32 bytes) wrapped, and return it."""
        raise NotImplementedError

    def party_signer(self, party: str) -> SigningKey | None:
        """The newest key in custody that is in force for this party, if any."""
        raise NotImplementedError

    def party_keys(self, party: str | None = None) -> list[PartyKey]:
        """The keys in custody, of one party if named, oldest first."""
        raise NotImplementedError

    def forget_party_key(self, did: str) -> bool:
        """Delete a key from custody (after its revocation); return whether it was there."""
        raise NotImplementedError

    def create_ledger_key(self) -> str:
        """Make another key for the ledger and return its vkey, to be named by a ``ledger.key_added``."""
        raise NotImplementedError

    def create_code(self, subject: str, kind: str) -> str:
        """Create a view code for a subject and return its token, 22 base64url characters, kept only as its hash."""
        raise NotImplementedError

    def draft_code(self, subject: str, kind: str) -> tuple[str, Row]:
        """A token and the row to commit together with a statement, for a code that exists only if that does."""
        raise NotImplementedError

    def find_code(self, token: str) -> Code | None:
        """The code of this token, unless unknown, malformed or revoked, which look the same."""
        raise NotImplementedError

    def codes_of(self, subject: str) -> list[Code]:
        """The codes of a subject, oldest first, without their tokens."""
        raise NotImplementedError

    def revoke_code(self, code_id: str) -> bool:
        """Revoke a code by its id; return whether it was in force."""
        raise NotImplementedError
