"""Statements by keys that were compromised at the time, as verdicts show them (events.md §1, authority rule 4).

A revocation stands behind what it makes doubtful, so a log is read twice: first every check, and then, if a key turned
out to be compromised, once more the leaves that its keys may have signed. Doubt disproves nothing: it is a fact of the
verdict, with the indexes for programs and their number in words.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from ledger import leaf
from ledger.doubt import Doubt, doubt_of
from ledger.errors import PatinaError
from ledger.leaf import Entry, Seal
from ledger.party import Parties

MAX_NOTES = 8
"""Compromised keys that the notes of a verdict name; the facts name all."""


def leaves_to_read(parties: Parties, found: Mapping[str, Doubt], size: int) -> tuple[int, int]:
    """From which leaf up to which, exclusive, something can stand that one of these keys makes doubtful."""
    keys = [parties.keys[did] for did in found]
    ends = [size if key.revoked is None else key.revoked + 1 for key in keys]
    return min(key.index for key in keys), max(ends)


def doubtful_leaves(start: int, raws: Iterable[bytes], found: Mapping[str, Doubt]) -> array[int]:
    """The indexes of the doubtful entries among these leaves, of which the first stands at ``start``."""
    dids = [did.encode() for did in found]
    indexes = array("q")
    for index, raw in enumerate(raws, start):
        # Nearly no leaf names such a key, and finding that out costs less than parsing it.
        if any(did in raw for did in dids):
            parsed = _parse(raw)
            if isinstance(parsed, Entry) and doubt_of(parsed, found) is not None:
                indexes.append(index)
    return indexes


def _parse(raw: bytes) -> Entry | Seal | None:
    """The leaf, unless it is none of this version, which has been reported already."""
    try:
        return leaf.parse_leaf(raw)
    except PatinaError:
        return None


def doubt_facts(indexes: Iterable[int], found: Mapping[str, Doubt]) -> dict[str, Any]:
    """The facts of a verdict: ``doubtful``, the indexes, and ``doubtful_keys``, with what makes each key so."""
    shown = list(indexes)
    if not shown:
        return {}
    keys = [
        {"key": one.key, "since": one.since, "cause": one.cause, "reason": one.reason, "told": one.told}
        for one in found.values()
    ]
    return {"doubtful": shown, "doubtful_keys": keys}


def doubt_notes(found: Mapping[str, Doubt]) -> tuple[str, ...]:
    """What a reader must know of each key beside a verdict that lists doubtful entries."""
    said = [_said(one) for one in found.values()]
    rest = len(said) - MAX_NOTES
    return (*said[:MAX_NOTES], *([f"{rest} more keys are doubtful: --json names them"] if rest > 0 else []))


def _said(doubt: Doubt) -> str:
    if doubt.vouched:
        why = f"was vouched for at {doubt.since} by way of {doubt.cause}, which was {doubt.reason}"
    else:
        why = f"was {doubt.reason} since {doubt.since}"
    return f"doubtful: {doubt.key} {why}; what it said from then on is marked, not disproved"
