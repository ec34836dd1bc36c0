"""Doubt: which statements were signed with a key that was compromised at the time (events.md §1, authority rule 4).

A revocation may say since when a key was in wrong hands. What the key said from then on is doubtful, and so is every
key that it vouched for from then on, and what those said, in turn. ``since`` is compared with ``recorded_at``, which
the log vouches for, and never with ``occurred_at``, which whoever has the key can choose.

Doubt disproves nothing and takes nothing back: a doubtful statement stands in the log, still has its effect, and is
marked wherever it is shown. It follows from the table of parties alone, so the service, a reader of one history and an
auditor come to the same marks. A key that only a doubtful statement named as a *holder's* is not doubtful by this rule:
the statement that named it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from ledger.leaf import Entry
from ledger.party import Key, Parties


class Doubt(Struct, frozen=True):
    """What ``key`` said from ``since`` on is doubtful.

    ``cause`` is the key that was revoked: ``key`` itself, or one that vouched for it, perhaps by way of others.
    ``reason`` is that revocation's, and ``told`` the index of the entry that says ``since`` of ``cause``.
    """

    key: str
    since: str
    cause: str
    reason: str
    told: int | None

    @property
    def vouched(self) -> bool:
        """Whether the key is doubtful for who vouched for it, and not for its own revocation."""
        return self.key != self.cause


def doubts(parties: Parties) -> dict[str, Doubt]:
    """The doubtful keys, oldest first; of several causes the one from which a key is doubtful earliest."""
    found: dict[str, Doubt] = {}
    # Whoever vouched for a key was there before it, so each key is looked at once, however they vouched.
    for did, key in sorted(parties.keys.items(), key=lambda one: one[1].index):
        causes = [] if key.since is None else [Doubt(did, key.since, did, key.reason or "", key.told)]
        causes += [Doubt(did, key.added_at, by.cause, by.reason, by.told) for by in _vouched(key, found)]
        if causes:
            found[did] = min(causes, key=lambda one: one.since)
    return found


def doubt_of(entry: Entry, found: Mapping[str, Doubt]) -> Doubt | None:
    """Why this entry is doubtful, if it is; one doubtful signature among several is enough."""
    for signature in entry.signatures:
        doubt = found.get(signature.key)
        if doubt is not None and entry.recorded_at >= doubt.since:
            return doubt
    return None


def doubtful(entries: Iterable[Entry], found: Mapping[str, Doubt]) -> dict[int, Doubt]:
    """The doubtful ones of these entries, by index, and why."""
    if not found:
        return {}
    marked = {entry.index: doubt_of(entry, found) for entry in entries}
    return {index: doubt for index, doubt in marked.items() if doubt is not None}


def _vouched(key: Key, found: Mapping[str, Doubt]) -> list[Doubt]:
    """The doubts of those who vouched for a key when what they said was doubtful."""
    return [found[signer] for signer in key.signers if signer in found and key.added_at >= found[signer].since]
