"""Readers whose pinned key a ledger has retired: what a document says of it, and what a verified history says.

A document that no pinned key signed proves nothing, and so not that the key was retired either: whoever made it up
could say that, too. But it is the likeliest reason, and a reader is told what to do: get a key that is in force by
another way than the server that gave her the document. While both keys sign, either proves which others there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ledger.note import VKey
from ledger.party import Parties


def claimed_retirement(texts: Iterable[str], vkeys: Sequence[VKey]) -> str:
    """What entries of which nothing is proved say of the retirement of a pinned key, in words; "" if nothing."""
    pinned = {str(vkey) for vkey in vkeys}
    for text in texts:
        index, vkey = _retirement(text)
        if vkey in pinned:
            return (
                f"; it says itself that leaf {index} retired the pinned key {_short(vkey)}: if so, pin one that is in "
                "force, and get that by another way than this document"
            )
    return ""


def key_facts(parties: Parties) -> dict[str, Any]:
    """The facts of a verdict: the keys that sign this ledger's checkpoints, proved by those that were pinned."""
    return {"vkeys": list(parties.vkeys_in_force())}


def key_notes(parties: Parties, vkeys: Sequence[VKey]) -> tuple[str, ...]:
    """Which pinned keys the ledger has retired, while another one vouched."""
    retired = [(str(vkey), parties.vkeys.get(str(vkey))) for vkey in vkeys]
    return tuple(
        f"the pinned key {_short(vkey)} was retired at leaf {index} and vouches for nothing: pin it no longer"
        for vkey, index in retired
        if index is not None
    )


def _retirement(text: str) -> tuple[object, str]:
    """Index and vkey of a ``ledger.key_retired``, if these bytes are one."""
    try:
        entry: Any = json.loads(text)
        statement = entry["statement"]
        if statement["type"] == "ledger.key_retired":
            return int(entry["index"]), str(statement["details"]["vkey"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None, ""


def _short(vkey: str) -> str:
    name, key_id, _ = vkey.split("+", 2)
    return f"{name}+{key_id}"
