"""One reader's checks of what was handed out: a receipt or a history bundle, told apart by its members (format.md
§7).

The checks themselves are ``ledger.receipt`` and ``ledger.history``; here they meet what this reader pinned, asked for
and kept, and their outcome becomes a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger import holderkey, times
from ledger.bundle import Bundle, parse_history
from ledger.checkpoint import Checkpoint, check_checkpoint
from ledger.doubt import Doubt
from ledger.errors import Disproved, Invalid, Malformed, Unknown
from ledger.history import Asked, VerifiedHistory, check_history
from ledger.merkle import check_consistency
from ledger.note import VKey, parse_note
from ledger.proof import parse_proof
from ledger.receipt import VerifiedReceipt, check_receipt, parse_receipt
from ledger.trust import Policy, check_quorum
from verifier.doubtful import doubt_facts, doubt_notes
from verifier.files import Shelf, check_shelf
from verifier.findings import Finding, Verdict
from verifier.growth import consistency
from verifier.memory import Memory
from verifier.retired import claimed_retirement, key_facts, key_notes
from verifier.source import Source

MAX_DOCUMENT = 256 * 1024 * 1024
"""Bytes of a bundle: a few thousand entries of 64 KiB; a phone takes far less."""


_MEANS: Mapping[int | str, str] = {5: ": these bytes do not stand in the log at this index, or the proof was changed"}
"""What a failed check means, where its own words are those of the format alone."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: the pinned keys, what was asked for, what was kept, and the present time in microseconds.

    ``log`` is where a proof that the log only grew can be made; without it, growth cannot be told. ``attachments`` are
    files that were shown with a history, ``shelf`` a folder in which all of its files should be.
    """

    vkeys: tuple[VKey, ...]
    now: int
    memory: Memory
    subject: str | None = None
    owner_code: str | None = None
    policy: Policy | None = None
    log: Source | None = None
    attachments: tuple[bytes, ...] = ()
    shelf: Shelf | None = None


class _Untold(Unknown):
    """Could not tell, for want of something that is no version: ``check`` names it."""

    def __init__(self, message: str, check: str) -> None:
        super().__init__(message)
        self.check = check


def verify(raw: bytes, name: str, reader: Reader) -> Verdict:
    """The verdict on one document; what it proved is remembered."""
    kind = _kind(raw)
    if kind is None:
        return Verdict(name, (Finding("form", "this is neither a receipt nor a history bundle", disproved=False),))
    try:
        return _receipt(raw, name, reader) if kind == "receipt" else _history(raw, name, reader)
    except Disproved as error:
        return Verdict(name, (Finding(error.check, error.message + _MEANS.get(error.check, ""), error.index),))
    except (Malformed, Invalid) as error:
        return Verdict(name, (Finding("form", error.message),))
    except Unknown as error:
        check = error.check if isinstance(error, _Untold) else "version"
        return Verdict(name, (Finding(check, error.message, disproved=False),))


def _kind(raw: bytes) -> str | None:
    try:
        value: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if str(value.get("format")).startswith("patina/history/"):
        return "history"
    return "receipt" if {"entry", "proof"} <= value.keys() else None


def _receipt(raw: bytes, name: str, reader: Reader) -> Verdict:
    receipt = parse_receipt(raw)
    found = check_receipt(receipt, reader.vkeys)
    if reader.policy is not None:
        with _check(2):
            check_quorum(reader.policy, parse_note(parse_proof(receipt.proof).checkpoint))
    grown = _growth(found.checkpoint, reader)
    origin = found.checkpoint.origin
    statement = found.entry.statement
    reader.memory.keep_receipt(origin, statement.subjects, found.leaf_hash, found.entry.index)
    if grown is None:
        reader.memory.keep(found.checkpoint)
    return Verdict(
        f"receipt {name}: {statement.type} stands at index {found.entry.index} of {origin}",
        _told(grown),
        _receipt_facts(found),
        ("a receipt does not say whose key signed; a history proves that",),
    )


def _receipt_facts(found: VerifiedReceipt) -> dict[str, Any]:
    statement = found.entry.statement
    return {
        "subjects": ", ".join(statement.subjects),
        "party": statement.party,
        "recorded_at": found.entry.recorded_at,
        "keys": ", ".join(signature.key for signature in found.entry.signatures),
        "size": found.checkpoint.size,
    }


def _history(raw: bytes, name: str, reader: Reader) -> Verdict:
    bundle = parse_history(raw)
    subject = bundle.subject if reader.subject is None else reader.subject
    kept = reader.memory.kept(bundle.origin, subject)
    asked = Asked(
        subject=subject,
        vkeys=reader.vkeys,
        now=reader.now,
        owner_secret=_secret(reader.owner_code),
        policy=reader.policy,
        kept=kept,
        files={sha256(content).hexdigest(): content for content in reader.attachments},
        consistency=_proof(bundle, None if kept is None else kept.size, reader),
    )
    try:
        found = check_history(bundle, asked)
    except Disproved as error:
        told = claimed_retirement(_ledger_entries(bundle), reader.vkeys) if error.check in {1, 3} else ""
        raise Disproved(error.message + told, error.check, error.index) from None
    if kept is None or found.checkpoint.size == kept.size or asked.consistency is not None:
        reader.memory.keep(found.checkpoint)
    reader.memory.keep_count(bundle.origin, subject, len(found.entries))
    findings = tuple(Finding("version", why, disproved=False) for why in found.unknown)
    if kept is not None and kept.size < found.checkpoint.size and asked.consistency is None:
        # Growth that nobody proved is what check_history notes last, and no version would tell it.
        findings = (*findings[:-1], Finding(12, found.unknown[-1], disproved=False))
    facts = _history_facts(found)
    if reader.shelf is not None:
        there, listed, more = check_shelf(found, reader.shelf)
        facts["attachments"] = f"{there} of {listed} are there as recorded"
        findings = (*findings, *more)
    what = f"history {name}: all {len(found.entries)} entries about {subject} as of {found.as_of}"
    return Verdict(what, findings, facts, _notes(found, reader))


def _ledger_entries(bundle: Bundle) -> Iterator[str]:
    """The entries that a bundle shows of the ledger itself, whatever they are."""
    for part in bundle.histories:
        yield from (entry for entry in part.entries if '"ledger.key_retired"' in entry)


def _secret(code: str | None) -> bytes | None:
    """The secret of an owner code; one that was mistyped disproves nothing."""
    try:
        return None if code is None else holderkey.parse_owner_code(code)
    except Malformed as error:
        raise _Untold(error.message, "owner code") from None


def _history_facts(found: VerifiedHistory) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "origin": found.checkpoint.origin,
        "subject": found.subject,
        "entries": len(found.entries),
        "size": found.checkpoint.size,
        "as_of": found.as_of,
    }
    if found.witnessed_at is not None:
        facts["witnessed_at"] = times.format_recorded(found.witnessed_at * 1_000_000)
    installed = _installed(found)
    if installed:
        facts["installed_by_operator"] = installed
    return facts | key_facts(found.replay.parties) | doubt_facts(found.doubtful, _doubts(found))


def _installed(found: VerifiedHistory) -> list[str]:
    """The keys that signed something of this history and came from the operator, not from the party (rule 3)."""
    keys = found.replay.parties.keys
    signed = dict.fromkeys(one.key for entry in found.entries for one in entry.signatures)
    return [did for did in signed if did in keys and keys[did].installed]


def _doubts(found: VerifiedHistory) -> dict[str, Doubt]:
    """The doubtful keys that signed something of this history."""
    return {doubt.key: doubt for doubt in found.doubts.values()}


def _notes(found: VerifiedHistory, reader: Reader) -> tuple[str, ...]:
    notes = []
    if found.stale:
        notes.append(f"old: nothing is proved of what was recorded after {found.as_of}")
    notes += doubt_notes(_doubts(found))
    notes += key_notes(found.replay.parties, reader.vkeys)
    if reader.subject is None:
        notes.append("no --subject was given: that this is the item you meant is yours to see")
    return tuple(notes)


def _proof(bundle: Bundle, kept: int | None, reader: Reader) -> tuple[bytes, ...] | None:
    """A proof that the bundle's tree extends the kept one, if there is somebody to ask for it."""
    if kept is None or reader.log is None:
        return None
    with _check(1):
        # Before the log is asked for anything: of a checkpoint that nobody signed it has no proof.
        new = check_checkpoint(bundle.checkpoint, reader.vkeys, bundle.origin).size
    return _grown(reader.log, kept, new) if kept < new else None


def _grown(log: Source, old: int, new: int) -> tuple[bytes, ...]:
    """The proof of growth that this log gives."""
    try:
        return consistency(log, old, new)
    except Unknown as error:
        raise _Untold(error.message, "log") from None


def _growth(checkpoint: Checkpoint, reader: Reader) -> str | None:
    """Why it cannot be told that a receipt's tree and the kept one are of one log; ``None`` if they are.

    Raises ``Disproved`` (12) if they are not.
    """
    head = reader.memory.head(checkpoint.origin)
    if head is None:
        return None
    sides = sorted([(checkpoint.size, checkpoint.root), head], key=lambda side: side[0])
    (old, old_root), (new, new_root) = sides
    proof: tuple[bytes, ...] = ()
    if old != new:
        if reader.log is None:
            return f"that the logs of {old} and of {new} leaves are one: no --log to prove it with"
        proof = _grown(reader.log, old, new)
    with _check(12):
        check_consistency(old, new, old_root, new_root, proof)
    return None


def _told(grown: str | None) -> tuple[Finding, ...]:
    return () if grown is None else (Finding(12, grown, disproved=False),)


@contextmanager
def _check(number: int) -> Iterator[None]:
    """Every error in here is a failure of this check."""
    try:
        yield
    except (Malformed, Invalid, Disproved) as error:
        raise Disproved(error.message, number) from None
