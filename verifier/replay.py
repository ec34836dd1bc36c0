"""One pass over the leaves of a log: every check of a whole-log audit that needs the leaves before (format.md §7).

For each leaf: canonical with exact members, ``index``, ``prev``, ``recorded_at``, ``links``, statement id,
``ledger``, details by type, authority and state by the same rule that the service applies (``ledger.rule``), and a
seal's map root. A check that fails is reported and the pass goes on with what the leaf says of itself, so that later
leaves are judged as well as they can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from ledger import didkey, leaf, party, rule, types
from ledger.errors import Disproved, Forbidden, Invalid, PatinaError, Unknown
from ledger.forms import ZERO_HASH
from ledger.leaf import Entry, Link, Seal
from ledger.party import Parties
from ledger.state import State
from ledger.untold import Untold, is_strange_key
from verifier.heads import Head, Heads
from verifier.kept import Kept
from verifier.report import Report
from verifier.table import Table

Parsed = Entry | Seal | PatinaError
"""A leaf, or why these bytes are none of this version."""
Details = tuple[str, ...] | PatinaError

_ID = len("urn:uuid:")
_decode = msgspec.json.Decoder().decode


class Replay:
    """The fold of the leaves seen so far. ``read_entry`` gives the earlier entry at an index, as it was checked."""

    def __init__(
        self,
        folder: Path,
        report: Report,
        read_entry: Callable[[int], Entry],
        *,
        expected: int,
        seal: int | None = None,
    ) -> None:
        """For about ``expected`` leaves. Of the seals only the one at index ``seal`` is recomputed, or all of them."""
        self.report = report
        self.heads = Heads(folder, expected=expected // 4)
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
        self._only_seal = seal
        self._untold = Untold()

    def resume(self, kept: Kept) -> None:
        """Go on after the leaves of a kept state, whose files are in the folder."""
        self.parties = kept.parties
        self.last_hash, self.recorded_at = kept.last_hash, kept.recorded_at
        self.entries, self.seals, self.sealed = kept.entries, kept.seals, True

    def leaves(self, start: int, raws: Sequence[bytes], digests: Sequence[bytes]) -> list[Parsed]:
        """Check the leaves from ``start`` on but for their signatures; gives each one, or why it is none.

        Step by step for all of them: going through the whole of the program for every leaf costs half as much again.
        """
        found = [_parse(raw) for raw in raws]
        details = [_check_details(one) for one in found]
        hashes = [digest.hex() for digest in digests]
        ordered = self._are_ordered(start, found, hashes)
        for index, one, leaf_hash, known, raw in zip(count(start), found, hashes, details, raws, strict=False):
            self._index = index
            if isinstance(one, PatinaError):
                self._unreadable(one, index, raw, leaf_hash)
            else:
                if not ordered:
                    self._check_order(one, index)
                if isinstance(one, Entry):
                    self._entry(one, index, leaf_hash, known)
                else:
                    self._seal(one, index)
            self.last_hash = leaf_hash
        for index in range(start, min(2, start + len(found))):
            self._first(found[index - start], index)
        return found

    def _are_ordered(self, start: int, found: list[Parsed], hashes: list[str]) -> bool:
        """Whether these leaves, all of this version, follow on each other: asked of all at once, as nearly all do."""
        leaves = [one for one in found if not isinstance(one, PatinaError)]
        times = [self.recorded_at, *[one.recorded_at for one in leaves]]
        ordered = (
            len(leaves) == len(found)
            and self.version == 1
            and [one.index for one in leaves] == list(range(start, start + len(leaves)))
            and [one.prev for one in leaves] == [self.last_hash, *hashes][:-1]
            and times == sorted(times)
        )
        if ordered:
            self.recorded_at = times[-1]
        return ordered

    def _check_order(self, found: Entry | Seal, index: int) -> None:
        if found.index != index:
            self.report.add("index", f"got index {found.index}, want {index}", index)
        if found.prev != self.last_hash:
            why = f"got {found.prev}, want {self.last_hash}, the hash of the leaf before: one of the two was changed"
            self.report.add("prev", why, index)
        if found.recorded_at < self.recorded_at:
            self.report.add("recorded_at", f"got {found.recorded_at} after {self.recorded_at}", index)
        else:
            self.recorded_at = found.recorded_at
        if self.version > 1:
            self.report.add("version", f"got version 1 after version {self.version}", index)

    def _seal(self, found: Seal, index: int) -> None:
        """Check that a seal holds the root of the map over all leaves before it."""
        self.sealed = True
        self.seals += 1
        if self._only_seal is not None and index != self._only_seal:
            return
        root = self.heads.map_root().hex()
        if found.map_root != root:
            why = f"got map_root {found.map_root}, want {root}, the root of the map over the leaves before"
            self.report.add("seal", why, index)

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
        return not is_strange_key(did) and self._holders.get(didkey.parse_did(did)) is not None

    def tend(self) -> None:
        """Keep memory bounded; to be called now and then between leaves."""
        self.heads.shrink()

    def flush(self) -> None:
        """Write everything to the files."""
        for table in (self.heads, self._ids, self._holders):
            table.flush()

    def close(self) -> None:
        """Close the files."""
        for table in (self.heads, self._ids, self._holders):
            table.close()

    def _entry(self, entry: Entry, index: int, leaf_hash: str, details: Details) -> None:
        self.sealed = False
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
        states = [head.state for head in heads]
        if self.parties is not None and self._judge(entry, states, details):
            holder_key = types.holder_key(entry.statement.type, entry.statement.details)
            if holder_key is not None:
                self._holders.put(didkey.parse_did(holder_key), (index + 1).to_bytes(8, "big"))
            for head, state in zip(heads, rule.follow(entry, leaf_hash, self.parties, states), strict=True):
                head.state = state
        self.heads.advance(heads, index, leaf_hash)

    def _judge(self, entry: Entry, states: list[State | None], details: Details) -> bool:
        """Whether the entry may stand at its index, reported if it may not, and nothing of it is unknown."""
        assert self.parties is not None
        statement, index = entry.statement, self._index
        if details:
            self._report_details(details, index)
        if isinstance(details, Invalid):
            return False
        if index == 0:
            return True
        if statement.ledger != self.parties.ledger:
            self.report.add("ledger", f"got {statement.ledger}, want {self.parties.ledger}", index)
            return False
        try:
            if statement.type in types.TYPES:
                rule.judge(entry, self.parties, states, self)
            else:
                rule.speak(entry, self.parties, states[0])
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
        if isinstance(details, Unknown):
            self._untold.add(statement)
            rule.pass_over(entry, states)
            return False
        return True

    def _report_details(self, details: Details, index: int) -> None:
        if isinstance(details, Unknown):
            self.report.add("type", details.message, index, disproved=False)
        elif isinstance(details, PatinaError):
            self.report.add("details", _said(details), index)
        else:
            why = f"got members that this program does not know: {', '.join(details)}"
            self.report.add("details", why, index, disproved=False)

    def _refused(self, error: PatinaError, entry: Entry, index: int) -> None:
        """Report what a rule refused; what rests on something unknown is not disproved (§9)."""
        excused = self._untold.excuses(entry, error)
        self.report.add(
            "authority" if isinstance(error, Forbidden) else "state", _said(error), index, disproved=not excused
        )
        if excused:
            self._untold.add(entry.statement)

    def _start(self, entry: Entry, leaf_hash: str) -> None:
        try:
            leaf.check_details(entry.statement)
            self.parties = party.start(entry, leaf_hash)
        except PatinaError as error:
            self.report.add("first", _said(error), 0, disproved=not isinstance(error, Unknown))
            return
        if self.parties.origin != self.origin:
            self.report.add("first", f"got origin {self.parties.origin}, want {self.origin}", 0)

    def _first(self, found: Parsed, index: int) -> None:
        if not isinstance(found, PatinaError) and type(found) is not (Entry, Seal)[index]:
            self.report.add("first", f"got {type(found).__name__.lower()}, want {('an entry', 'a seal')[index]}", index)

    def _wrong_link(self, link: Link, head: Head, index: int) -> None:
        got, want = f"number {link.seq} after {link.prev}", f"number {head.count} after {head.hash}"
        why = f"got {got} of {link.subject}, want {want}: an entry about it was changed, left out or put in"
        self.report.add("links", why, index)

    def _unreadable(self, error: PatinaError, index: int, raw: bytes, leaf_hash: str) -> None:
        """Report a leaf that did not parse, and go on with the links that it seems to have."""
        self.sealed = None
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
                self.heads.advance([self.heads.head(subject)], index, leaf_hash)


def _parse(raw: bytes) -> Parsed:
    try:
        return leaf.parse_leaf(raw)
    except PatinaError as error:
        return error


def _check_details(found: Parsed) -> Details:
    """What is to be said of an entry's details: members that are not known, or why they are refused."""
    if type(found) is not Entry:
        return ()
    try:
        return leaf.check_details(found.statement)
    except (Unknown, Invalid) as error:
        return error


def _id_key(statement_id: str) -> bytes:
    return bytes.fromhex(statement_id[_ID:].replace("-", ""))


def _said(error: PatinaError) -> str:
    return f"{error.message} (at {error.pointer})" if error.pointer else error.message
