"""Every key that a ledger ever signed its checkpoints with, as its own history tells: retired ones stay published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.leaf import Entry, parse_leaf


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A vkey, when it was added, and when, at which index and why it was retired, if it was."""

    vkey: str
    added_at: str
    added_at_index: int
    retired_at: str | None = None
    retired_at_index: int | None = None
    reason: str | None = None

    @property
    def state(self) -> str:
        """``in_force`` or ``retired``."""
        return "in_force" if self.retired_at is None else "retired"

    def value(self) -> dict[str, Any]:
        """The key as JSON values."""
        return {
            "vkey": self.vkey,
            "state": self.state,
            "added_at": self.added_at,
            "added_at_index": self.added_at_index,
            "retired_at": self.retired_at,
            "retired_at_index": self.retired_at_index,
            "reason": self.reason,
        }


def ledger_keys(raws: Iterable[bytes]) -> list[LedgerKey]:
    """The keys, oldest first, from the entries of the ledger's own subject."""
    found: dict[str, LedgerKey] = {}
    for raw in raws:
        entry = parse_leaf(raw)
        assert isinstance(entry, Entry), "a seal has no subject"
        vkey, kind = str(entry.statement.details["vkey"]), entry.statement.type
        if kind in {"ledger.created", "ledger.key_added"}:
            found[vkey] = LedgerKey(vkey, entry.recorded_at, entry.index)
        elif kind == "ledger.key_retired":
            old, reason = found[vkey], entry.statement.details.get("reason")
            found[vkey] = LedgerKey(vkey, old.added_at, old.added_at_index, entry.recorded_at, entry.index, reason)
    return list(found.values())
