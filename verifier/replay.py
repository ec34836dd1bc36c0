"""One pass over the leaves of a log: every check of a whole-log audit that needs the leaves before (format.md §7).

For each leaf: canonical with exact members, ``index``, ``prev``, ``recorded_at``, ``links``, statement id,
``ledger``, details by type, authority and state by the same rule that the service applies (``ledger.rule``), and a
seal's map root. A check that fails is reported and the pass goes on with what the leaf says of itself, so that later
leaves are judged as well as they can be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ledger import didkey, leaf, party, rule, types
from ledger.errors import Disproved, Forbidden, Invalid, PatinaError, Unknown
from ledger.leaf import ZERO_HASH, Entry, Link, Seal
from ledger.party import Parties
from ledger.state import State
from ledger.untold import Untold
from verifier.heads import Head, Heads
from verifier.kept import Kept
from verifier.report import Report
from verifier.table import Table

_ID = len("urn:uuid:")
_decode = msgspec.json.Decoder().decode


class Replay:
    """The fold of the leaves seen so far. ``read_entry`` gives the earlier entry at an index, as it was checked."""

    def __init__(self, folder: Path, report: Report, read_entry: Callable[[int], Entry], *, expected: int) -> None:
        self.report = report
        self.heads = Heads(folder, expected=expected // 2)
        self._ids = Table.at(folder / "ids", 16, 8, expected=expected)
        self._holders = Table.at(folder / "holders", 32, 8, expected=expected // 16)
        self._read_entry = read_entry
        self.parties: Parties | None = None
        self.origin = ""
        self.last_hash = ZERO_HASH
        self.recorded_at = ""
        self.version = 1
        self.sealed: bool | None = False
        self.entries = self.seals = 0
        self._index = 0
        self._untold = Untold()

    def resume(self, kept: Kept) -> None:
        """Go on after the leaves of a kept state, whose files are in the folder."""
        self.parties = kept.parties
        self.last_hash, self.recorded_at = kept.last_hash, kept.recorded_at
        self.entries, self.seals, self.sealed = kept.entries, kept.seals, True

    def leaf(self, index: int, raw: bytes, digest: bytes) -> Entry | Seal | None:
        """Check the leaf at ``index`` but for signatures and map root; ``None`` if it is none of this version."""
        leaf_hash = digest.hex()
        self._index = index
        found: Entry | Seal | None
        try:
            found = leaf.parse_leaf(raw)
        except PatinaError as error:
            self._unreadable(error, index, raw, leaf_hash)
            found = None
        else:
            if found.index != index:
                self.report.add("index", f"got index {found.index}, want {index}", index)
            if found.prev != self.last_hash:
                self.report.add("prev", f"got {found.prev}, want {self.last_hash}", index)
            if found.recorded_at < self.recorded_at:
                self.report.add("recorded_at", f"got {found.recorded_at} after {self.recorded_at}", index)
            else:
                self.recorded_at = found.recorded_at
            if self.version > 1:
                self.report.add("version", f"got version 1 after version {self.version}", index)
            if type(found) is Entry:
                self._entry(found, index, leaf_hash)
            else:
                self.seals += 1
        self.sealed = None if found is None else type(found) is Seal
        self.last_hash = leaf_hash
        if index < 2:
            self._first(found, index)
        return found

    def seal(self, found: Seal, index: int) -> None:
        """Check that a seal holds the root of the map over all leaves before it."""
        root = self.heads.map_root().hex()
        if found.map_root != root:
            self.report.add("seal", f"got map_root {found.map_root}, want {root}", index)

    def entry(self, statement_id: str, subject: str) -> Entry | None:  # noqa: ARG002 - a whole log hides nothing
        """The earlier entry with this statement id, whatever it is about (``rule.Lookups``)."""
        value = self._ids.get(_id_key(statement_id))
        index = -1 if value is None else int.from_bytes(value, "big") - 1
        # An entry is not one of those that it may be about.
        return self._read_entry(index) if 0 <= index < self._index else None

    def state(self, subject: str) -> State | None:
        """The state of another subject (``rule.Lookups``)."""
        return self.heads.head(subject).state

    def holder_key(self, did: str) -> bool:
        """Whether an earlier entry named this key as a holder's (``rule.Lookups``)."""
        return self._holders.get(didkey.parse_did(did)) is not None

    def tend(self) -> None:
        """Keep memory bounded; to be called now and then between leaves."""
        self.heads.shrink()

    def trim(self) -> None:
        """Give file pages back to the kernel's cache."""
        for table in (self.heads, self._ids, self._holders):
            table.trim()

    def flush(self) -> None:
        """Write everything to the disk."""
        for table in (self.heads, self._ids, self._holders):
            table.flush()

    def close(self) -> None:
        """Close the files."""
        for table in (self.heads, self._ids, self._holders):
            table.close()

    def _entry(self, entry: Entry, index: int, leaf_hash: str) -> None:
        self.entries += 1
        heads = []
        for link in entry.links:
            head = self.heads.head(link.subject)
            if link.seq != head.count or link.prev != head.hash:
                self._wrong_link(link, head, index)
            heads.append(head)
        statement_id = entry.statement.id
        earlier = self._ids.add(_id_key(statement_id), (index + 1).to_bytes(8, "big"))
        if earlier is not None:
            why = f"got statement id {statement_id} of leaf {int.from_bytes(earlier, 'big') - 1} again"
            self.report.add("id", why, index)
        if index == 0:
            self._start(entry, leaf_hash)
        if self.parties is not None and self._judge(entry, index, heads):
            for head, state in zip(heads, self._follow(entry, leaf_hash, heads), strict=True):
                head.state = state
        for head in heads:
            self.heads.advance(head, index, leaf_hash)

    def _judge(self, entry: Entry, index: int, heads: list[Head]) -> bool:
        """Whether the entry may stand at its index, reported if it may not."""
        assert self.parties is not None
        statement = entry.statement
        try:
            strange = leaf.check_details(statement)
        except Unknown as error:
            self.report.add("type", error.message, index, disproved=False)
            self._unknown(entry, index, heads)
            return False
        except Invalid as error:
            self.report.add("details", _said(error), index)
            return False
        if strange:
            why = f"got members that this program does not know: {', '.join(strange)}"
            self.report.add("details", why, index, disproved=False)
        if index == 0:
            return True
        if statement.ledger != self.parties.ledger:
            self.report.add("ledger", f"got {statement.ledger}, want {self.parties.ledger}", index)
            return False
        try:
            rule.judge(entry, self.parties, [head.state for head in heads], self)
        except Unknown as error:
            self.report.add("state", _said(error), index, disproved=False)
            self._untold.add(statement)
            return False
        except Disproved as error:
            self.report.add(str(error.check), error.message, error.index)
            return False
        except PatinaError as error:
            self._refused(error, entry, index)
            return False
        return True

    def _follow(self, entry: Entry, leaf_hash: str, heads: list[Head]) -> list[State]:
        assert self.parties is not None
        holder_key = types.holder_key(entry.statement.type, entry.statement.details)
        if holder_key is not None:
            self._holders.put(didkey.parse_did(holder_key), (entry.index + 1).to_bytes(8, "big"))
        return rule.follow(entry, leaf_hash, self.parties, [head.state for head in heads])

    def _refused(self, error: PatinaError, entry: Entry, index: int) -> None:
        """Report what a rule refused; what rests on something unknown is not disproved (§9)."""
        excused = self._untold.excuses(entry, error)
        self.report.add(
            "authority" if isinstance(error, Forbidden) else "state", _said(error), index, disproved=not excused
        )
        if excused:
            self._untold.add(entry.statement)

    def _unknown(self, entry: Entry, index: int, heads: list[Head]) -> None:
        """Check of a statement with a type or key of a later version what can be: that who signs it may speak (§9)."""
        assert self.parties is not None
        statement = entry.statement
        self._untold.add(statement)
        if statement.type in types.TYPES:
            # It names a key of an unknown type, and is not folded in.
            return
        try:
            rule.speak(entry, self.parties, heads[0].state)
        except Forbidden as error:
            self._refused(error, entry, index)
            return
        for head in heads:
            if head.state is not None and statement.grant is None and statement.party not in head.state.signers:
                head.state.signers = (*head.state.signers, statement.party)

    def _start(self, entry: Entry, leaf_hash: str) -> None:
        try:
            leaf.check_details(entry.statement)
            self.parties = party.start(entry, leaf_hash)
        except PatinaError as error:
            self.report.add("first", _said(error), 0, disproved=not isinstance(error, Unknown))
            return
        if self.parties.origin != self.origin:
            self.report.add("first", f"got origin {self.parties.origin}, want {self.origin}", 0)

    def _first(self, found: Entry | Seal | None, index: int) -> None:
        if found is not None and type(found) is not (Entry, Seal)[index]:
            self.report.add("first", f"got {type(found).__name__.lower()}, want {('an entry', 'a seal')[index]}", index)

    def _wrong_link(self, link: Link, head: Head, index: int) -> None:
        got, want = f"number {link.seq} after {link.prev}", f"number {head.count} after {head.hash}"
        self.report.add("links", f"got {got} of {link.subject}, want {want}", index)

    def _unreadable(self, error: PatinaError, index: int, raw: bytes, leaf_hash: str) -> None:
        """Report a leaf that did not parse, and go on with the links that it seems to have."""
        try:
            value: Any = _decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            value = None
        if isinstance(error, Unknown):
            self.report.add("version", _said(error), index, disproved=False)
            if value["v"] < self.version:
                self.report.add("version", f"got version {value['v']} after version {self.version}", index)
            self.version = max(self.version, value["v"])
            if self.report.blind_from is None:
                self.report.blind_from = index
        else:
            self.report.add("leaf", _said(error), index)
        links = value.get("links") if isinstance(value, dict) else None
        for link in links if isinstance(links, list) else []:
            subject = link.get("subject") if isinstance(link, dict) else None
            if isinstance(subject, str) and subject.isascii():
                self.heads.advance(self.heads.head(subject), index, leaf_hash)


def _id_key(statement_id: str) -> bytes:
    return bytes.fromhex(statement_id[_ID:].replace("-", ""))


def _said(error: PatinaError) -> str:
    return f"{error.message} (at {error.pointer})" if error.pointer else error.message
