"""Checks 4 to 8 of a history bundle: the map, the last entries, the chains, the forms, who spoke (format.md §7)."""

from __future__ import annotations

from ledger import leaf, merkle, submap, uri
from ledger.bundle import Bundle, Part, hashes_of, map_proof_of
from ledger.checkpoint import Checkpoint
from ledger.errors import Disproved, Invalid, Malformed, PatinaError, Refused
from ledger.forms import ZERO_HASH
from ledger.leaf import Entry, Seal
from ledger.party import Parties
from ledger.replay import Replay


class Shown:
    """The histories of a bundle, whose checkpoint, tail and entry 0 are checked already."""

    def __init__(self, bundle: Bundle, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._parts: dict[str, Part] = {}
        for part in bundle.histories:
            if self._parts.setdefault(part.subject, part) is not part:
                raise Malformed("got a history twice")
        if bundle.histories[0].subject != bundle.subject:
            raise Malformed("the first of the histories is not the subject's")
        self._raws = {subject: [text.encode() for text in part.entries] for subject, part in self._parts.items()}
        self._hashes = {subject: [merkle.leaf_hash(raw) for raw in raws] for subject, raws in self._raws.items()}
        self._entries: dict[str, list[Entry]] = {}
        self.subjects = frozenset(self._parts)
        self.unknown: list[str] = []

    def entries(self, subject: str) -> tuple[Entry, ...]:
        """The entries about a subject, oldest first."""
        return tuple(self._entries[subject])

    def hashes(self, subject: str) -> tuple[bytes, ...]:
        """Their leaf hashes."""
        return tuple(self._hashes[subject])

    def check_map(self, map_root: bytes) -> None:
        """(4) Each map proof reaches the root, and as many entries are shown as the map counts."""
        for subject, part in self._parts.items():
            count, _ = submap.check_map(map_root, submap.key_of(subject), map_proof_of(part.map))
            if len(part.entries) != count:
                raise Malformed(f"{subject}: got {len(part.entries)} entries, the map counts {count}")

    def check_last(self) -> None:
        """(5) The last entry of each history stands in the tree at the index that the map names."""
        for subject, part in self._parts.items():
            if part.map.last is None:
                if part.last_proof:
                    raise Malformed(f"{subject}: got a proof of an entry, want none")
                continue
            leaf_hash = self._hashes[subject][-1]
            proof = hashes_of(part.last_proof)
            merkle.check_inclusion(part.map.last, self._checkpoint.size, leaf_hash, proof, self._checkpoint.root)

    def parse(self) -> None:
        """(7) Each entry is canonical with exactly its members, and each subject in its one spelling."""
        for subject, raws in self._raws.items():
            uri.subject_kind(subject)
            entries = []
            for raw in raws:
                parsed = leaf.parse_leaf(raw)
                if not isinstance(parsed, Entry):
                    raise Malformed(f"{subject}: got a seal among the entries")
                entries.append(parsed)
            self._entries[subject] = entries

    def check_chains(self, seal: Seal) -> None:
        """(6) Each entry hashes to the ``prev`` of the next; ``seq``, index and time fall to the first."""
        ids: dict[str, bytes] = {}
        indexes: dict[int, bytes] = {}
        for subject, entries in self._entries.items():
            hashes = self._hashes[subject]
            for seq, entry in enumerate(entries):
                link = next((link for link in entry.links if link.subject == subject), None)
                prev = hashes[seq - 1].hex() if seq else None
                if link is None or (link.seq, link.prev) != (seq, prev):
                    raise Disproved(f"{subject}: the chain is broken at seq {seq}", 6, entry.index)
                if seq and (entries[seq - 1].index >= entry.index or entries[seq - 1].recorded_at > entry.recorded_at):
                    raise Disproved(f"{subject}: index or time goes back at seq {seq}", 6, entry.index)
                if indexes.setdefault(entry.index, hashes[seq]) != hashes[seq]:
                    raise Disproved("got two entries of one index", 6, entry.index)
                if ids.setdefault(entry.statement.id, hashes[seq]) != hashes[seq]:
                    raise Disproved("got two entries of one statement id", 6, entry.index)
            part = self._parts[subject]
            if entries and (entries[-1].index != part.map.last or entries[-1].recorded_at > seal.recorded_at):
                raise Disproved(f"{subject}: the last entry is not the one that the map names", 6, entries[-1].index)

    def check_places(self, first: str, seal: Seal) -> None:
        """(6) Whatever is shown could stand in one log: time goes on, neighbours name each other, nothing is left out.

        An entry that is shown anywhere stands in the history of each of its subjects that is shown.
        """
        raw = first.encode()
        entry = leaf.parse_leaf(raw)
        shown: dict[int, tuple[Entry | Seal, bytes]] = {0: (entry, merkle.leaf_hash(raw)), **self._every()}
        if shown[0][1] != merkle.leaf_hash(raw):
            raise Disproved("got two entries of one index", 6, 0)
        shown[seal.index] = seal, b""
        before, last_hash, recorded_at = -1, ZERO_HASH, ""
        for index, (one, leaf_hash) in sorted(shown.items()):
            if one.recorded_at < recorded_at or (index == before + 1 and one.prev != last_hash):
                raise Disproved("time goes back, or the leaf before is another one than shown", 6, index)
            if index == 1 and one is not seal:
                raise Disproved("leaf 1 is not a seal", 6, index)
            for link in one.links if isinstance(one, Entry) else ():
                history = self._hashes.get(link.subject)
                if history is not None and leaf_hash not in history[link.seq : link.seq + 1]:
                    raise Disproved(f"{link.subject}: this entry is not in its history", 6, index)
            before, last_hash, recorded_at = index, leaf_hash.hex(), one.recorded_at

    def _every(self) -> dict[int, tuple[Entry, bytes]]:
        """Every entry that is shown and its leaf hash, by index."""
        return {
            entry.index: (entry, leaf_hash)
            for subject, entries in self._entries.items()
            for entry, leaf_hash in zip(entries, self._hashes[subject], strict=True)
        }

    def check_ledger(self, ledger: str) -> None:
        """(7) Every statement but entry 0's is written for this ledger, and entry 0 is one."""
        for entries in self._entries.values():
            for entry in entries:
                if entry.statement.ledger != (ledger if entry.index else None):
                    raise Disproved("got a statement written for another ledger", 7, entry.index)

    def check_authorities(self, bundle: Bundle, parties: Parties) -> None:
        """(8) Shown are the authorities of whoever signed, of the operator, and the ledger subject, and no more."""
        signed = {entry.statement.party for entry in self._entries[bundle.subject] if entry.statement.grant is None}
        wanted = {uri.authority_of(party) for party in signed | {parties.operator}}
        wanted |= {bundle.subject, parties.ledger_subject}
        if wanted != set(self._parts):
            missing = sorted(wanted - set(self._parts)) or ["none"]
            raise Malformed(f"got histories of other subjects than the check needs; missing: {', '.join(missing)}")

    def replay(self, parties: Parties) -> Replay:
        """(8) Every entry, in index order, verified and judged by the state before it."""
        replay = Replay(parties, self.subjects)
        for index, (entry, leaf_hash) in sorted(self._every().items()):
            try:
                if index == 0:
                    replay.begin(entry, leaf_hash.hex())
                else:
                    replay.step(entry, leaf_hash.hex())
            except (Malformed, Invalid, Refused) as error:
                raise Disproved(_said(error), 8, index) from None
        self.unknown += replay.unknown
        return replay


def _said(error: PatinaError) -> str:
    return f"{error.pointer}: {error.message}" if error.pointer else error.message
