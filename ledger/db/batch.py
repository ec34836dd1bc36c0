"""A batch on its way into the log: judged statement by statement, linked and hashed, nothing written yet.

``Batch`` works on what was read under the append lock. Each statement is judged by the state that the ones before it
left, so two of one batch may follow one another; a group of several is atomic, and what a refused one had changed is
taken back. The batch changes nothing that others see: states are its own, and the table of parties is copied before
the first entry that changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ledger import didkey, merkle, rule, submap, types
from ledger import leaf as leaves
from ledger import state as states
from ledger.db.draft import Draft
from ledger.db.safeguards import refuse_slip
from ledger.db.session import Row
from ledger.db.view import AUTHORITY, Tip, copy_of
from ledger.db.views import uuid_bytes
from ledger.errors import PatinaError, Refused
from ledger.leaf import Entry, Link, Seal, Statement
from ledger.party import Parties
from ledger.state import State

Saved = tuple[int, int, bytes, bytes | None]


@dataclass(slots=True)
class Known:
    """A subject as the database has it and as the batch leaves it; ``began`` and ``was`` are count and state before."""

    subject: str
    key: bytes
    sid: int = -1
    began: int = 0
    count: int = 0
    last: int = 0
    last_hash: bytes = b""
    was: bytes | None = None
    state: State | None = None

    def save(self) -> Saved:
        """What ``restore`` needs."""
        raw = None if self.state is None else states.dump(self.state)
        return self.count, self.last, self.last_hash, raw

    def restore(self, saved: Saved) -> None:
        """Go back to what was saved."""
        self.count, self.last, self.last_hash, raw = saved
        self.state = None if raw is None else states.load(raw)


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry in the log, of this batch or of an earlier one; ``first`` for whoever brought it."""

    index: int
    raw: bytes
    first: bool = False


@dataclass(frozen=True, slots=True)
class Reads:
    """What the batch asks the database beyond what it was given; each answer is remembered by the batch."""

    entry: Callable[[bytes], tuple[int, bytes] | None]
    subject: Callable[[bytes], Row | None]
    holder_key: Callable[[bytes], bool]
    ledger_key: Callable[[str], bool]


@dataclass(slots=True)
class _Mark:
    """Where a group began, to go back to."""

    leaves: int
    parties: Parties
    subjects: dict[str, Saved] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    holder_keys: list[bytes] = field(default_factory=list)


class Batch:
    """See the top of the file. ``parties`` is the table after the batch; ``raws`` and ``hashes`` its leaves."""

    def __init__(self, tip: Tip, parties: Parties, recorded_at: str, reads: Reads) -> None:
        self.recorded_at = recorded_at
        self.parties = parties
        self.raws: list[bytes] = []
        self.hashes: list[bytes] = []
        self.drafts: list[Draft] = []
        self.authority: list[int] = []
        self.statements: dict[str, Standing | None] = {}
        self.subjects: dict[str, Known] = {}
        self.holder_keys: dict[bytes, bool] = {}
        self.named: dict[bytes, int] = {}
        self.links: list[tuple[int, int, int]] = []
        self.changed: list[Known] = []
        self._first = tip.size
        self._before = self._prev = tip.head.last_hash.hex()
        self._owned: Parties | None = None
        self._reads = reads
        self._mark: _Mark | None = None

    def take(self, group: Sequence[Draft]) -> list[Standing | PatinaError]:
        """Judge a group and, unless it is refused, let its statements stand; what became of each."""
        if len(group) == 1:
            try:
                return [self._take(group[0])]
            except PatinaError as error:
                return [error]
        self._mark = _Mark(len(self.raws), self.parties)
        self._owned = None
        stood: list[Standing | PatinaError] = []
        try:
            # One by one, so that the list says which was refused.
            stood.extend(self._take(draft) for draft in group)
        except PatinaError as error:
            self._go_back(self._mark)
            others = Refused(f"refused with the whole group: statement {len(stood)} was refused: {error.message}")
            return [error if number == len(stood) else others for number in range(len(group))]
        finally:
            self._mark = None
        return stood

    def settle(self, sid: int) -> None:
        """Collect what changed, in the order of first mention; new subjects are numbered from ``sid`` on."""
        seqs: dict[str, int] = {}
        for index, draft in enumerate(self.drafts, self._first):
            for subject in draft.statement.subjects:
                known = self.subjects[subject]
                if subject not in seqs:
                    self.changed.append(known)
                    seqs[subject] = known.began
                    if known.sid < 0:
                        known.sid = sid
                        sid += 1
                self.links.append((known.sid, seqs[subject], index))
                seqs[subject] += 1

    def seal(self, map_root: bytes) -> None:
        """Add the last leaf."""
        seal = Seal(self._first + len(self.raws), self._prev, self.recorded_at, map_root.hex(), 1)
        self._add(leaves.format_seal(seal))

    def _take(self, draft: Draft) -> Standing:
        statement = draft.statement
        standing = self._standing(statement.id)
        if standing is not None:
            if not standing.raw.endswith(b',"statement":' + draft.body + b',"v":1}') and not self._repeats(
                draft, standing
            ):
                raise Refused(f"this id was used for another statement, at index {standing.index}", "/id")
            return standing
        subjects = [self._subject(subject) for subject in statement.subjects]
        entry = self._entry(draft, subjects)
        raw = leaves.format_entry(entry)
        before = [known.state for known in subjects]
        if draft.may is not None:
            draft.may(before)
        rule.judge(entry, self.parties, before, self)
        decides = statement.type.partition(".")[0] in AUTHORITY
        if decides:
            self._own_parties(statement)
        if self._mark is not None:
            for known in subjects:
                self._mark.subjects.setdefault(known.subject, known.save())
        digest = merkle.leaf_hash(raw)
        after = rule.follow(entry, digest.hex(), self.parties, before)
        for known, state in zip(subjects, after, strict=True):
            known.state, known.last, known.last_hash = state, entry.index, digest
            known.count += 1
        if decides:
            self.authority.append(entry.index)
        self._remember(entry, raw, digest)
        self.drafts.append(draft)
        return Standing(entry.index, raw, first=True)

    def _repeats(self, draft: Draft, standing: Standing) -> bool:
        """Whether an entry of other bytes says what the draft says; only some drafts can tell."""
        if draft.repeats is None:
            return False
        number = standing.index - self._first
        return draft.repeats(standing.raw, self.drafts[number] if number >= 0 else None)

    def _entry(self, draft: Draft, subjects: Sequence[Known]) -> Entry:
        links = [Link(one.subject, one.count, one.last_hash.hex() if one.count else None) for one in subjects]
        index = self._first + len(self.raws)
        return Entry(index, self._prev, self.recorded_at, tuple(links), draft.statement, draft.signatures, 1)

    def _remember(self, entry: Entry, raw: bytes, digest: bytes) -> None:
        statement = entry.statement
        self.statements[statement.id] = Standing(entry.index, raw)
        named = types.holder_key(statement.type, statement.details)
        if named is not None:
            key = didkey.parse_did(named)
            self.holder_keys[key] = True
            self.named.setdefault(key, entry.index)
        if self._mark is not None:
            self._mark.statements.append(statement.id)
            self._mark.holder_keys += [] if named is None else [didkey.parse_did(named)]
        self._add(raw, digest)

    def _add(self, raw: bytes, digest: bytes = b"") -> None:
        digest = digest or merkle.leaf_hash(raw)
        self.raws.append(raw)
        self.hashes.append(digest)
        self._prev = digest.hex()

    def _own_parties(self, statement: Statement) -> None:
        refuse_slip(statement, self.parties, self.recorded_at, self._reads.ledger_key)
        if self._owned is not self.parties:
            self._owned = self.parties = copy_of(self.parties)

    def _go_back(self, mark: _Mark) -> None:
        del self.raws[mark.leaves :], self.hashes[mark.leaves :], self.drafts[mark.leaves :]
        self.authority = [index for index in self.authority if index < self._first + mark.leaves]
        self._prev = self.hashes[-1].hex() if self.hashes else self._before
        self.parties = mark.parties
        self._owned = None
        for subject, saved in mark.subjects.items():
            self.subjects[subject].restore(saved)
        for statement_id in mark.statements:
            self.statements[statement_id] = None
        for key in mark.holder_keys:
            if self.named.get(key, -1) >= self._first + mark.leaves:
                del self.named[key]
                self.holder_keys[key] = False

    # What rules may look up (``rule.Lookups``), and the batch itself.

    def entry(self, statement_id: str, subject: str) -> Entry | None:  # noqa: ARG002 -- a reader of one history needs it
        """The earlier entry with this statement id, whatever it is about."""
        standing = self._standing(statement_id)
        if standing is None:
            return None
        found = leaves.parse_leaf(standing.raw)
        return found if isinstance(found, Entry) else None

    def state(self, subject: str) -> State | None:
        """The state of another subject."""
        return self._subject(subject).state

    def holder_key(self, did: str) -> bool:
        """Whether an earlier entry named this key as a holder's."""
        key = didkey.parse_did(did)
        if key not in self.holder_keys:
            self.holder_keys[key] = self._reads.holder_key(key)
        return self.holder_keys[key]

    def expect(self, ids: Iterable[str], found: Iterable[Row], subjects: Iterable[str], rows: Iterable[Row]) -> None:
        """Take in what was read for the whole batch at once; what is not among the rows is not there."""
        there = {bytes(row[0]): Standing(row[1], row[2]) for row in found}
        for statement_id in ids:
            self.statements[statement_id] = there.get(uuid_bytes(statement_id))
        known = {row[0]: row for row in rows}
        for subject in subjects:
            key = submap.key_of(subject)
            self.subjects[subject] = _known(subject, key, known.get(key))

    def _standing(self, statement_id: str) -> Standing | None:
        if statement_id not in self.statements:
            found = self._reads.entry(uuid_bytes(statement_id))
            self.statements[statement_id] = None if found is None else Standing(*found)
        return self.statements[statement_id]

    def _subject(self, subject: str) -> Known:
        known = self.subjects.get(subject)
        if known is None:
            key = submap.key_of(subject)
            known = self.subjects[subject] = _known(subject, key, self._reads.subject(key))
        return known


def _known(subject: str, key: bytes, row: Row | None) -> Known:
    if row is None:
        return Known(subject, key)
    _, sid, count, last, last_hash, raw = row
    return Known(subject, key, sid, count, count, last, last_hash, raw, states.load(raw))
