"""History bundles (format.md §7), put together from stored bytes.

A bundle shows the subject asked for and, beside it, whatever decides who may speak: the authority subjects of its
signers and of the operator, and the ledger's own. Those parts, and the first and last leaf, are the same in every
bundle of one checkpoint, so they are made once for each and kept as bytes. The state of a subject names its signers,
which saves parsing its entries.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ledger import merkle, submap
from ledger.db.proofs import leaf_at, map_proof, tree_reader
from ledger.db.session import Row, ask
from ledger.db.subjects import SUBJECT, Mismatch, state_in
from ledger.db.view import Snapshot, View
from ledger.submap import MapProof

MAX_PARTS = 4096
"""Parts kept of one checkpoint; a ledger with more parties than this makes the others again."""
_ENTRIES = "SELECT l.bytes FROM link k JOIN leaf l ON l.idx = k.idx WHERE k.sid = ? ORDER BY k.seq"
_encode = msgspec.json.encode


class _Constant:
    """What bundles at one checkpoint have in common: their beginning and the parts of authority subjects."""

    __slots__ = ("after_subject", "before_subject", "parts", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.before_subject = b""
        self.after_subject = b""
        self.parts: dict[str, bytes] = {}


class Histories:
    """Keeps what bundles of the newest checkpoint have in common."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._constant = _Constant(-1)

    def start(self, subject: str) -> Making:
        """A bundle of this subject, to be made in a snapshot of its own."""
        return Making(self, self._view, subject)

    def constant(self) -> _Constant:
        """What is kept of the view's checkpoint; the caller holds the view's lock."""
        if self._constant.size != self._view.tip.size:
            self._constant = _Constant(self._view.tip.size)
        return self._constant


class Making:
    """One bundle in the making: ``keys`` while the snapshot begins, then ``format`` in it."""

    def __init__(self, histories: Histories, view: View, subject: str) -> None:
        self._histories, self._view, self._subject = histories, view, subject
        self._authorities: list[str] = []
        self._constant: _Constant

    def keys(self, answers: list[list[Row]]) -> Iterable[bytes]:
        """Whose places in the map the bundle needs; the first answer is the subject's row."""
        self._constant = self._histories.constant()
        parties = self._view.parties
        signers = state_in(answers[0][0]).signers if answers[0] else ()
        subjects = [f"{party}#authority" for party in (*signers, parties.operator)]
        self._authorities = [one for one in dict.fromkeys([*subjects, parties.ledger_subject]) if one != self._subject]
        missing = [one for one in self._authorities if one not in self._constant.parts]
        return [submap.key_of(one) for one in (self._subject, *missing)]

    def format(self, shot: Snapshot, disclosures: Mapping[str, Sequence[str]]) -> bytes:
        """The bundle; raises ``Mismatch`` if a map proof does not hold."""
        constant = self._constant
        if not constant.after_subject:
            self._begin(shot)
        parts = [self._part(shot, self._subject, shot.answers[0])]
        for subject in self._authorities:
            part = constant.parts.get(subject)
            if part is None:
                row = shot.session.gather(ask(SUBJECT, submap.key_of(subject)))[0]
                part = self._part(shot, subject, row)
                if len(constant.parts) < MAX_PARTS:
                    constant.parts[subject] = part
            parts.append(part)
        ends = b'],"disclosures":', _encode(disclosures), b"}"
        beginning = constant.before_subject, _encode(self._subject), constant.after_subject
        return b"".join((*beginning, b",".join(parts), *ends))

    def _begin(self, shot: Snapshot) -> None:
        read = tree_reader(shot.session, shot.tip.edge, self._view.cache)
        size = shot.tip.size

        def proved(index: int) -> bytes:
            entry = _encode(leaf_at(shot.session, index).decode())
            return b'{"entry":%b,"proof":%b}' % (entry, _base64_list(merkle.prove_inclusion(index, size, read)))

        origin = _encode(self._view.parties.origin)
        self._constant.before_subject = b'{"format":"patina/history/v1","origin":%b,"subject":' % origin
        self._constant.after_subject = b',"checkpoint":%b,"tail":%b,"first":%b,"histories":[' % (
            _encode(shot.tip.head.note),
            proved(size - 1),
            proved(0),
        )

    def _part(self, shot: Snapshot, subject: str, rows: Sequence[Row]) -> bytes:
        proof = map_proof(shot, submap.key_of(subject))
        entries: list[bytes] = []
        included: list[bytes] = []
        if rows:
            _, sid, count, last, _, _ = rows[0]
            entries = [_encode(raw.decode()) for (raw,) in shot.session.gather(ask(_ENTRIES, sid))[0]]
            read = tree_reader(shot.session, shot.tip.edge, self._view.cache)
            included = merkle.prove_inclusion(last, shot.tip.size, read)
            if (count, last) != (proof.count, proof.last):
                raise Mismatch("the subject's row is not what the map proves")
        if len(entries) != proof.count:
            raise Mismatch(f"got {len(entries)} entries of a subject, and {proof.count} in the map")
        return b'{"subject":%b,"map":%b,"last_proof":%b,"entries":[%b]}' % (
            _encode(subject),
            _format_map(proof),
            _base64_list(included),
            b",".join(entries),
        )


def _format_map(proof: MapProof) -> bytes:
    other = b"null"
    if proof.other is not None:
        one = proof.other
        other = b'{"key":"%b","count":%d,"last":%d}' % (one.key.hex().encode(), one.count, one.last)
    last = b"null" if proof.last is None else b"%d" % proof.last
    siblings = _base64_list(proof.siblings)
    return b'{"count":%d,"last":%b,"siblings":%b,"other":%b}' % (proof.count, last, siblings, other)


def _base64_list(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return b"[]"
    return b'["' + b'","'.join([b2a_base64(one, newline=False) for one in hashes]) + b'"]'
