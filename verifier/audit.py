"""The audit of a whole log: every check of format.md §7 "Whole-log audit", in one pass over its leaves.

``audit`` reads the newest checkpoint of a source, checks it with the pinned keys, and replays every leaf up to its
size (``verifier.replay``) while other processes verify signatures (``verifier.signing``) and the tree is recomputed
and compared with the tiles that the log keeps (``verifier.tree``). With a state folder it continues where the last
audit ended; the verdict is the one that a fresh audit would give, and that the log only grew.

The checks, by the names that findings carry: ``checkpoint`` (signature, origin, form) · ``consistency`` (with the
kept state) · ``first`` (entry 0, and a seal after it) · ``leaf`` (canonical, exact members, forms) · ``version`` ·
``index`` · ``prev`` · ``recorded_at`` · ``links`` · ``id`` · ``ledger`` · ``type`` and ``details`` · ``authority`` ·
``state`` · ``signature`` · ``seal`` (map root) · ``tail`` (the last leaf is a seal) · ``root`` · ``tiles`` ·
``bundles`` · ``vkey``. What a compromised key said is no finding: it is listed among the facts (``verifier.doubtful``).
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ledger import leaf
from ledger.checkpoint import Checkpoint, check_checkpoint
from ledger.doubt import Doubt, doubts
from ledger.errors import Disproved, Invalid, Malformed, Unknown
from ledger.leaf import Entry
from ledger.merkle import HASH_SIZE, leaf_hash
from ledger.note import VKey, parse_note
from verifier.compare import Comparison
from verifier.doubtful import doubt_facts, doubt_notes, doubtful_leaves, leaves_to_read
from verifier.findings import Finding, Verdict
from verifier.kept import Kept, Store
from verifier.replay import Replay
from verifier.report import Report
from verifier.retired import key_facts, key_notes
from verifier.signing import Failure, Verifiers
from verifier.source import TILE_WIDTH, Source
from verifier.tree import Tree

_BATCH = 64
"""Leaves that go through each step of the checks together."""
_TEND = 1024
"""Leaves between two looks at the memory."""
_EXPECTED = 1 << 24
"""Leaves that files are made for at the start: a checkpoint may claim any size before a leaf of it was seen."""
_READ_AGAIN = 1024
"""Earlier entries kept that a correction or a dispute was about."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to audit. ``vkeys`` are pinned; ``state`` is the folder to continue from; ``progress(done, all)`` is told."""

    vkeys: tuple[VKey, ...]
    state: Path | None = None
    every_seal: bool = True
    signatures: bool = True
    workers: int = 0
    progress: Callable[[int, int], None] | None = None


def audit(source: Source, options: Options) -> Verdict:
    """What a whole log proves to whoever pinned these keys. Raises ``Unknown`` for a state that cannot be used."""
    note = ""
    try:
        note = source.checkpoint()
        checkpoint = check_checkpoint(note, options.vkeys, options.vkeys[0].name)
    except (Malformed, Invalid, Disproved) as error:
        why = error.message
        if isinstance(error, Disproved) and error.check == "note" and not _is_signed_by(note, options.vkeys):
            why += (
                "; a key that the ledger has retired signs no more: see its /v1/log/keys, and pin one that is in force"
            )
        return Verdict(source.name, (Finding("checkpoint", why),))
    except Unknown as error:
        return Verdict(source.name, (Finding("checkpoint", error.message, disproved=False),))
    with Store(options.state) as store:
        _check_usable(store.kept, checkpoint, options)
        run = _Audit(source, options, store, (note, checkpoint))
        try:
            run.leaves()
            run.end()
            verdict = run.verdict()
        finally:
            run.close()
        if verdict.outcome == "proven":
            store.keep(run.kept())
        return verdict


def _is_signed_by(note: str, vkeys: tuple[VKey, ...]) -> bool:
    """Whether a note has a signature, be it a wrong one, by one of these keys."""
    signed = {(one.name, one.key_id) for one in parse_note(note).signatures}
    return not signed.isdisjoint((vkey.name, vkey.key_id) for vkey in vkeys)


def _check_usable(kept: Kept | None, checkpoint: Checkpoint, options: Options) -> None:
    """Raise ``Unknown`` for a kept state that cannot carry the verdict that is asked for."""
    if kept is None:
        return
    if kept.origin != checkpoint.origin:
        raise Unknown(f"the state is of the ledger {kept.origin}, this is {checkpoint.origin}")
    if options.signatures and not kept.signatures_checked:
        raise Unknown("the state was made without checking signatures; audit afresh, or without them again")
    if options.every_seal and not kept.every_seal:
        raise Unknown("the state was made with --seals last; audit afresh, or with it again")


class _Audit:
    """One audit: what is fixed at its start, and the parts that do the work."""

    def __init__(self, source: Source, options: Options, store: Store, signed: tuple[str, Checkpoint]) -> None:
        self._source = source
        self._options = options
        self._note, checkpoint = signed
        self._checkpoint = checkpoint
        self._kept = kept = store.kept
        self._start = 0 if kept is None else kept.size
        self._report = Report()
        self._comparison = Comparison(source, self._report, store.folder / "hashes")
        read = lru_cache(_READ_AGAIN)(self._read_entry)
        last = None if options.every_seal else checkpoint.size - 1
        self._replay = Replay(store.folder, self._report, read, expected=min(checkpoint.size, _EXPECTED), seal=last)
        self._replay.origin = checkpoint.origin
        edge = None if kept is None else [_hashes(bytes.fromhex(level)) for level in kept.edge]
        self._tree = Tree(self._comparison.compare, self._start, edge)
        if kept is not None:
            self._replay.resume(kept)
        workers = options.workers if options.signatures else 0
        self._verifiers = Verifiers(self._failed, workers=workers, expected=checkpoint.size - self._start)
        self._ended = False
        self._doubts: dict[str, Doubt] = {}
        self._doubtful: array[int] = array("q")

    def leaves(self) -> None:
        """Check every leaf that is new, as far as they can be read."""
        size = self._checkpoint.size
        if size < self._start:
            self._report.add("consistency", f"got a log of {size} leaves, it had {self._start}")
            return
        try:
            self._walk()
        except Disproved as error:
            self._report.add(str(error.check), error.message, error.index)
        except Unknown as error:
            self._report.add("bundles", error.message, self._tree.size, disproved=False)
        else:
            self._ended = True

    def _walk(self) -> None:
        start, size = self._start, self._checkpoint.size
        if start == size:
            return
        # The bundle in which the kept state ends is read again: its first leaves must be those that were checked.
        known = deque(self._tree.edge[0])
        batch: list[bytes] = []
        try:
            for raw in self._source.leaves(start - len(known), size):
                if known:
                    if leaf_hash(raw) != known.popleft():
                        index = start - len(known) - 1
                        raise Disproved("the leaf is not the one that was audited before", "bundles", index)
                    continue
                batch.append(raw)
                if len(batch) == _BATCH:
                    full, batch = batch, []
                    self._step(full)
        finally:
            # Also what came before the source failed.
            self._step(batch)

    def _step(self, batch: list[bytes]) -> None:
        start = self._tree.size
        found = self._replay.leaves(start, batch, self._tree.extend(batch))
        if self._options.signatures:
            for index, (one, raw) in enumerate(zip(found, batch, strict=True), start):
                if type(one) is Entry:
                    self._verifiers.add(index, raw)
        end = self._tree.size
        if end // _TEND != start // _TEND:
            self._replay.tend()
            if self._options.progress is not None:
                self._options.progress(end, self._checkpoint.size)

    def end(self) -> None:
        """Check what can be said only at the end: signatures still under way, root, tiles, keys, the last leaf."""
        self._verifiers.finish()
        if self._ended:
            if self._tree.root() != self._checkpoint.root:
                self._wrong_root()
            if self._replay.sealed is False:
                self._report.add("tail", "the last leaf is not a seal", self._checkpoint.size - 1)
            if self._source.serves_tiles:
                for level, number, hashes in self._tree.partial():
                    self._comparison.compare(level, number, hashes)
            self._check_vkey()
        self._comparison.finish()
        if self._ended:
            self._find_doubtful()
        if self._options.progress is not None:
            self._options.progress(self._tree.size, self._checkpoint.size)

    def _wrong_root(self) -> None:
        root = b64encode(self._tree.root()).decode()
        signed = b64encode(self._checkpoint.root).decode()
        self._report.add("root", f"got {signed} under the signature, the leaves have {root}: they are not those signed")
        if self._kept is not None:
            why = f"the log of {self._start} leaves that was audited before does not lead to this root"
            self._report.add("consistency", why)

    def _check_vkey(self) -> None:
        parties = self._replay.parties
        if parties is not None:
            in_force = parties.vkeys_in_force()
            try:
                # Of several pinned keys, one that the ledger never had or has retired vouches for nothing.
                named = [vkey for vkey in self._options.vkeys if str(vkey) in in_force]
                check_checkpoint(self._note, named, self._checkpoint.origin)
            except Disproved:
                why = "the checkpoint is signed by no pinned vkey that the ledger names and has not retired"
                self._report.add("vkey", why)

    def _find_doubtful(self) -> None:
        """Read once more what a compromised key may have signed, and remember what is doubtful of it.

        The leaves were checked: what is read must hash to what they hashed to.
        """
        parties = self._replay.parties
        if parties is None or not (found := doubts(parties)):
            return
        self._doubts = found
        start, stop = leaves_to_read(parties, self._doubts, self._checkpoint.size)
        # To the end of a bundle: of the widths of its last one a log serves only the newest.
        stop = min(self._checkpoint.size, -(-stop // TILE_WIDTH) * TILE_WIDTH)
        try:
            self._doubtful = doubtful_leaves(start, self._again(start, stop), self._doubts)
        except Disproved as error:
            self._report.add(str(error.check), error.message, error.index)
        except Unknown as error:
            self._report.add("bundles", error.message, disproved=False)

    def _again(self, start: int, stop: int) -> Iterator[bytes]:
        for index, raw in zip(range(start, stop), self._source.leaves(start, stop), strict=False):
            if leaf_hash(raw) != self._known_hash(index):
                raise Disproved("read again, the leaf is not the one that was audited", "bundles", index)
            yield raw

    def _failed(self, failure: Failure) -> None:
        index, why, disproved = failure
        self._report.add("signature", why, index, disproved=disproved)

    def _read_entry(self, index: int) -> Entry:
        """An earlier entry, read again; it must be the one that was checked."""
        end = min(self._checkpoint.size, index - index % TILE_WIDTH + TILE_WIDTH)
        raw = next(self._again(index, end))
        entry = leaf.parse_leaf(raw)
        assert isinstance(entry, Entry), "the table of statement ids leads to entries"
        return entry

    def _known_hash(self, index: int) -> bytes:
        """The hash that the leaf at an index had when it was audited."""
        below = self._tree.size - len(self._tree.edge[0])
        return self._tree.edge[0][index - below] if index >= below else self._comparison.leaf_hash(index)

    def close(self) -> None:
        """Write and close the files, stop processes and threads."""
        self._verifiers.close()
        self._comparison.close()
        self._replay.flush()
        self._replay.close()

    def verdict(self) -> Verdict:
        """What was found, and what was proved if nothing was."""
        replay, options = self._replay, self._options
        notes = []
        if not options.every_seal:
            notes.append("only the last seal was recomputed: histories handed out earlier are not proved")
        if not options.signatures:
            notes.append("signatures were not checked")
        if self._kept is not None:
            notes.append(f"continued from {self._start} leaves audited before, and the log only grew")
        if replay.parties is not None:
            notes += key_notes(replay.parties, options.vkeys)
        if self._doubtful:
            notes += doubt_notes(self._doubts)
        facts = {
            "origin": self._checkpoint.origin,
            "size": self._checkpoint.size,
            "root": b64encode(self._checkpoint.root).decode(),
            "as_of": replay.recorded_at,
            "entries": replay.entries,
            "seals": replay.seals,
            "subjects": replay.heads.subjects,
            "signatures": self._signatures(),
            **({} if replay.parties is None else key_facts(replay.parties)),
            **doubt_facts(self._doubtful, self._doubts),
        }
        findings = self._report.findings()
        what = f"{self._checkpoint.origin}, {self._checkpoint.size} leaves"
        return Verdict(what, findings, {} if findings else facts, tuple(notes))

    def kept(self) -> Kept:
        """The state to continue from; for a log that was proven."""
        replay = self._replay
        assert replay.parties is not None, "a proven log has an entry 0"
        return Kept(
            origin=self._checkpoint.origin,
            size=self._checkpoint.size,
            root=self._checkpoint.root.hex(),
            note=self._note,
            last_hash=replay.last_hash,
            recorded_at=replay.recorded_at,
            entries=replay.entries,
            seals=replay.seals,
            signatures=self._signatures(),
            signatures_checked=self._options.signatures,
            every_seal=self._options.every_seal,
            parties=replay.parties,
            edge=[b"".join(hashes).hex() for hashes in self._tree.edge],
        )

    def _signatures(self) -> int:
        return self._verifiers.count + (0 if self._kept is None else self._kept.signatures)


def _hashes(raw: bytes) -> list[bytes]:
    return [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]
