"""History bundles: everything that was said about one subject, and proof that it is everything (format.md §7).

The Merkle proofs show that what is shown stands in the log; the map proof in the last leaf, a seal, shows how many
entries there are, so that nothing was held back; the chain of the subject ties them together; and the authority
histories show whose keys signed them. ``check_history`` makes the numbered checks of §7 in the order in which one
needs another, and stops at the first that fails. Only what it returns may be shown as verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ledger import disclosure, holderkey, leaf, merkle, party, times, types
from ledger.bundle import Bundle, hashes_of
from ledger.checkpoint import Checkpoint, check_checkpoint
from ledger.doubt import Doubt
from ledger.errors import Disproved, Invalid, Malformed, Refused
from ledger.leaf import Entry, Seal
from ledger.note import VKey, parse_note
from ledger.replay import Replay, check_signatures
from ledger.shown import Shown
from ledger.trust import Policy, check_quorum

STALE = times.DAY
"""Older than this, a history is shown as old unless an older state was asked for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reader kept from earlier: the checkpoint, the subject's count, and receipts as {leaf hash: index}."""

    size: int
    root: bytes
    count: int = 0
    receipts: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is given to the check beside the bundle.

    ``vkeys`` are pinned; ``consistency`` proves the bundle's tree to extend the kept one; ``files`` are attachments
    that are shown, by sha256 in hex; ``now`` is in microseconds.
    """

    subject: str
    vkeys: tuple[VKey, ...]
    now: int
    owner_secret: bytes | None = None
    policy: Policy | None = None
    kept: Kept | None = None
    consistency: tuple[bytes, ...] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerifiedHistory:
    """What was proved: these are all entries about ``subject`` as of ``as_of``, unchanged and so signed.

    ``entries`` are the subject's, oldest first, with their ``leaf_hashes``; ``replay`` is the fold of all that the
    bundle shows; ``doubts`` are the indexes of entries by a key that was compromised at the time, and why;
    ``unknown`` says what could not be told. ``witnessed_at`` is the newest time of a quorum, in seconds since 1970.
    """

    subject: str
    checkpoint: Checkpoint
    as_of: str
    stale: bool
    witnessed_at: int | None
    entries: tuple[Entry, ...]
    leaf_hashes: tuple[bytes, ...]
    replay: Replay
    disclosed: Mapping[str, Mapping[str, Any]]
    doubts: Mapping[int, Doubt]
    unknown: tuple[str, ...]

    @property
    def doubtful(self) -> tuple[int, ...]:
        """The indexes of the doubtful entries."""
        return tuple(self.doubts)


def check_history(bundle: Bundle, asked: Asked) -> VerifiedHistory:
    """What the bundle proves to this reader, after checks 1 to 12 of §7.

    Raises ``Disproved`` with the number of the check that failed. What this version does not know is collected in
    ``unknown`` and never disproves; ``Unknown`` is raised for a leaf of a later version, of which nothing can be told.
    """
    with _check(1):
        checkpoint = check_checkpoint(bundle.checkpoint, asked.vkeys, bundle.origin)
    with _check(12):
        # A fork is told before anything that this version may not know.
        unknown = _check_growth(checkpoint, asked)
    witnessed_at = None
    if asked.policy is not None:
        with _check(2):
            witnessed_at = check_quorum(asked.policy, parse_note(bundle.checkpoint)).time
    with _check(3):
        seal = _tail(bundle, checkpoint)
        parties = _first(bundle, checkpoint)
    with _check(4):
        shown = Shown(bundle, checkpoint)
        shown.check_map(bytes.fromhex(seal.map_root))
    with _check(5):
        shown.check_last()
    with _check(7):
        shown.parse()
    with _check(6):
        shown.check_chains(seal)
        shown.check_places(bundle.first.entry, seal)
    with _check(7):
        shown.check_ledger(parties.ledger)
    with _check(8):
        shown.check_authorities(bundle, parties)
        replay = shown.replay(parties)
    with _check(3):
        _check_pinned(replay, asked.vkeys, bundle)
    shown.unknown += unknown
    return _result(bundle, asked, checkpoint, (seal, shown, replay, witnessed_at))


def _result(
    bundle: Bundle, asked: Asked, checkpoint: Checkpoint, found: tuple[Seal, Shown, Replay, int | None]
) -> VerifiedHistory:
    """Checks 9 to 12, which concern this reader, and what was proved by all of them."""
    seal, shown, replay, witnessed_at = found
    entries, hashes = shown.entries(bundle.subject), shown.hashes(bundle.subject)
    with _check(9):
        disclosed = _disclosed(bundle, entries)
    with _check(10):
        _check_files(entries, asked.files)
    with _check(11):
        _check_asked(bundle, entries, asked)
    with _check(12):
        _check_kept(entries, hashes, asked)
    return VerifiedHistory(
        subject=bundle.subject,
        checkpoint=checkpoint,
        as_of=seal.recorded_at,
        stale=asked.now - times.parse_recorded(seal.recorded_at) > STALE,
        witnessed_at=witnessed_at,
        entries=entries,
        leaf_hashes=hashes,
        replay=replay,
        disclosed=disclosed,
        doubts=replay.doubtful(entries),
        unknown=tuple(shown.unknown),
    )


@contextmanager
def _check(number: int) -> Iterator[None]:
    """Every error in here is a failure of this check, but for what this version does not know."""
    try:
        yield
    except Disproved as error:
        raise Disproved(error.message, number, error.index) from None
    except (Malformed, Invalid, Refused) as error:
        raise Disproved(error.message, number) from None


def _tail(bundle: Bundle, checkpoint: Checkpoint) -> Seal:
    raw = bundle.tail.entry.encode()
    seal = leaf.parse_leaf(raw)
    if not isinstance(seal, Seal) or seal.index != checkpoint.size - 1:
        raise Malformed(f"the tail is not a seal at index {checkpoint.size - 1}")
    proof = hashes_of(bundle.tail.proof)
    merkle.check_inclusion(seal.index, checkpoint.size, merkle.leaf_hash(raw), proof, checkpoint.root)
    return seal


def _first(bundle: Bundle, checkpoint: Checkpoint) -> party.Parties:
    raw = bundle.first.entry.encode()
    leaf_hash = merkle.leaf_hash(raw)
    entry = leaf.parse_leaf(raw)
    if not isinstance(entry, Entry):
        raise Malformed("entry 0 is a seal")
    merkle.check_inclusion(0, checkpoint.size, leaf_hash, hashes_of(bundle.first.proof), checkpoint.root)
    leaf.check_details(entry.statement)
    parties = party.start(entry, leaf_hash.hex(), complete=False)
    if parties.origin != checkpoint.origin:
        raise Malformed(f"entry 0 names the origin {parties.origin}, the checkpoint {checkpoint.origin}")
    check_signatures(entry)
    return parties


def _check_pinned(replay: Replay, vkeys: Sequence[VKey], bundle: Bundle) -> None:
    in_force = replay.parties.vkeys_in_force()
    named = [vkey for vkey in vkeys if str(vkey) in in_force]
    if not named:
        raise Malformed("the pinned vkey is none that the ledger's own history names and has not retired")
    # A reader may pin several: one that the ledger never had, or has retired, vouches for nothing.
    check_checkpoint(bundle.checkpoint, named, bundle.origin)


def _disclosed(bundle: Bundle, entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    statements = {entry.statement.id: entry.statement for entry in entries}
    disclosed = {}
    for statement_id, disclosures in bundle.disclosures.items():
        if statement_id not in statements:
            raise Malformed("got disclosures of a statement that is not in this history")
        disclosed[statement_id] = disclosure.check_disclosures(statements[statement_id].sd or (), disclosures)
    return disclosed


def _check_files(entries: Sequence[Entry], files: Mapping[str, bytes]) -> None:
    listed = {file.sha256: file for entry in entries for file in entry.statement.attachments or ()}
    for digest, content in files.items():
        file = listed.get(digest)
        if file is None:
            raise Malformed("got an attachment that no entry of this history lists")
        if sha256(content).hexdigest() != digest or len(content) != file.size:
            raise Malformed(f"the attachment {file.name} is not the one that was recorded")


def _check_asked(bundle: Bundle, entries: Sequence[Entry], asked: Asked) -> None:
    if bundle.subject != asked.subject:
        raise Malformed(f"got the history of {bundle.subject}, asked for {asked.subject}")
    if asked.owner_secret is not None:
        did = holderkey.holder_key(asked.owner_secret, asked.subject).did
        if did not in {types.holder_key(entry.statement.type, entry.statement.details) for entry in entries}:
            raise Malformed("the owner code's key never held this item")


def _check_growth(checkpoint: Checkpoint, asked: Asked) -> tuple[str, ...]:
    """What could not be told for want of a consistency proof; raises if the log is not the one that was kept, grown."""
    kept = asked.kept
    if kept is None:
        return ()
    if checkpoint.size < kept.size:
        raise Malformed(f"got a log of {checkpoint.size} leaves, it had {kept.size}")
    if checkpoint.size == kept.size or asked.consistency is not None:
        proof = asked.consistency or ()
        merkle.check_consistency(kept.size, checkpoint.size, kept.root, checkpoint.root, proof)
        return ()
    return (f"that the log of {checkpoint.size} leaves extends the one of {kept.size} that was kept: no proof given",)


def _check_kept(entries: Sequence[Entry], hashes: Sequence[bytes], asked: Asked) -> None:
    """Raise if fewer entries are shown than there were, or not one of which a receipt was kept."""
    if asked.kept is None:
        return
    if len(entries) < asked.kept.count:
        raise Malformed(f"got {len(entries)} entries, there were {asked.kept.count}")
    shown = {leaf_hash: entry.index for entry, leaf_hash in zip(entries, hashes, strict=True)}
    for leaf_hash, index in asked.kept.receipts.items():
        if shown.get(leaf_hash) != index:
            raise Disproved("a receipt that was handed out is missing from a complete history: keep both", 12, index)
