"""Whole ledgers made from nothing, for tests and benchmarks: leaves, checkpoints, bundles, receipts, tiles, folders.

``Build`` writes whatever it is told and judges nothing, so that a test can make a ledger that is wrong in one thing.
``grow`` adds entries that the rules accept. Everything follows from names: keys are made of them, time is counted.
"""

from __future__ import annotations

import json
import random
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger import canonical, merkle, submap, tiles, times
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.dsse import SigningKey, sign_statement
from ledger.note import Signer, format_vkey, parse_vkey
from ledger.top import Top, bucket_of
from ledger.uri import authority_of, gs1_subject

ORIGIN = "ledger.example/test"
START = times.parse_recorded("2026-01-01T00:00:00.000Z")
Leaf = dict[str, Any]


def key(name: str) -> SigningKey:
    """The key of a name."""
    return SigningKey.from_seed(sha256(name.encode()).digest())


def uuid(name: str) -> str:
    """A uuid of a name."""
    digits = sha256(name.encode()).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def ring(number: int) -> str:
    """An item with a GTIN and a serial."""
    return gs1_subject("01", "09520123456788", f"R{number}")


class Build:
    """A ledger in memory. Parties and keys are called by name; the operator is ``operator``."""

    def __init__(
        self,
        name: str = "ledger",
        origin: str = ORIGIN,
        bits: int = 8,
        first: dict[str, Any] | None = None,
        change: Callable[[Leaf], None] | None = None,
    ) -> None:
        """``first`` are other details for entry 0, which ``change`` may spoil."""
        self.origin = origin
        self.name = name
        self.leaves: list[bytes] = []
        self.hashes: list[bytes] = []
        self.now = START
        self.heads: dict[str, tuple[int, int, str]] = {}
        self.of: dict[str, list[int]] = {}
        self.holders: dict[str, tuple[str, str]] = {}
        self._top = Top(bits)
        self._buckets: dict[int, dict[bytes, bytes]] = {}
        self._touched: dict[bytes, bytes] = {}
        log = key(f"{name} log")
        self.vkey = format_vkey(origin, log.public)
        self.signers = [Signer(parse_vkey(self.vkey), log.sign)]
        self.ledger: str | None = None
        details = {"origin": origin, "name": name, "vkey": self.vkey, "key": key("operator").did, **(first or {})}
        self.say("ledger.created", "operator", uuid(f"{name} ledger"), details, change=change)
        self.ledger = self.hashes[0].hex()
        self.seal()

    # What stands in the log.

    def say(
        self,
        kind: str,
        party: str,
        subjects: str | list[str],
        details: dict[str, Any] | None = None,
        *,
        keys: list[str] | None = None,
        change: Callable[[Leaf], None] | None = None,
        **members: Any,
    ) -> int:
        """Append an entry and return its index. ``change`` may spoil the leaf; ``members`` go into the statement."""
        subjects = [subjects] if isinstance(subjects, str) else subjects
        statement: dict[str, Any] = {
            "id": uuid(f"{self.name} statement {len(self.leaves)}"),
            "type": kind,
            "subjects": subjects,
            "party": party if ":" in party else uuid(party),
            "occurred_at": times.format_recorded(self.now),
            "details": details or {},
            **({} if self.ledger is None else {"ledger": self.ledger}),
            **members,
        }
        body = canonical.encode(statement)
        links = []
        for subject in subjects:
            count, _, last = self.heads.get(subject, (0, 0, ""))
            links.append({"subject": subject, "seq": count, "prev": last or None})
        signatures = [sign_statement(body, key(name)) for name in keys or [party]]
        return self.put({"links": links, "statement": statement, "signatures": signatures}, change)

    def seal(self, change: Callable[[Leaf], None] | None = None) -> int:
        """Append a seal and return its index."""
        return self.put({"map_root": self.map_root().hex()}, change)

    def put(self, leaf: Leaf, change: Callable[[Leaf], None] | None = None) -> int:
        """Append a leaf of these members and those that every leaf has."""
        index = len(self.leaves)
        prev = self.hashes[-1].hex() if index else "0" * 64
        leaf = {"v": 1, "index": index, "prev": prev, "recorded_at": times.format_recorded(self.now), **leaf}
        if change is not None:
            change(leaf)
        self.put_raw(canonical.encode(leaf), [link["subject"] for link in leaf.get("links", [])])
        self.now += times.SECOND
        return index

    def put_raw(self, raw: bytes, subjects: list[str]) -> None:
        """Append these bytes as a leaf that counts for these subjects."""
        digest = sha256(b"\x00" + raw).digest()
        index = len(self.leaves)
        self.leaves.append(raw)
        self.hashes.append(digest)
        for subject in subjects:
            count = self.heads.get(subject, (0, 0, ""))[0] + 1
            self.heads[subject] = (count, index, digest.hex())
            self.of.setdefault(subject, []).append(index)
            subject_key = submap.key_of(subject)
            self._touched[subject_key] = submap.format_record(subject_key, count, index)

    def map_root(self) -> bytes:
        """The root of the subject map over all leaves so far."""
        bits, dirty = self._top.bits, set()
        for subject_key, record in self._touched.items():
            bucket = bucket_of(subject_key, bits)
            self._buckets.setdefault(bucket, {})[subject_key] = record
            dirty.add(bucket)
        self._touched.clear()
        self._top.update([(bucket, *submap.subtree(sorted(self._buckets[bucket].values()), bits)) for bucket in dirty])
        return self._top.root

    # What the rules accept.

    def register(self, name: str, *roles: str) -> None:
        """Register a party with the key of its name."""
        authority = authority_of(uuid(name))
        self.say("party.registered", "operator", authority, {"name": name, "roles": list(roles)})
        self.say("key.added", "operator", authority, {"key": key(name).did, "custody": "self"}, keys=["operator", name])

    def item(self, subject: str, party: str = "shop") -> int:
        """Register an item."""
        return self.say("item.registered", party, subject, {"name": "Ring", "category": "jewellery"})

    def sell(self, subject: str, holder: str, party: str = "shop") -> int:
        """Sell an item to whoever has the key called ``holder``."""
        details = {"channel": "store", "holder_key": key(holder).did, "holder_custody": "receipt"}
        index = self.say("item.sold", party, subject, details)
        self.holders[subject] = (holder, self.hashes[index].hex())
        return index

    def hold(self, kind: str, subject: str, details: dict[str, Any], *keys: str, **members: Any) -> int:
        """The item's holder says something."""
        holder, grant = self.holders[subject]
        return self.say(kind, subject, subject, details, keys=[holder, *keys], grant=grant, **members)

    # What goes out.

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.leaves)

    def note(self, size: int | None = None, root: bytes | None = None) -> str:
        """The signed checkpoint of the first ``size`` leaves."""
        size = self.size if size is None else size
        root = merkle.root_from(self.hashes[:size]) if root is None else root
        return sign_checkpoint(Checkpoint(self.origin, size, root), self.signers)

    def read_root(self) -> bytes:
        """The root of the tree."""
        return merkle.root_from(self.hashes)

    def read(self, level: int, number: int) -> bytes:
        """The root of a full subtree (``merkle.Read``)."""
        return merkle.root_from(self.hashes[number << level : number + 1 << level])

    def inclusion(self, index: int) -> list[bytes]:
        """The inclusion proof of a leaf."""
        return merkle.prove_inclusion(index, self.size, self.read)

    def receipt(self, index: int) -> dict[str, Any]:
        """The receipt of an entry."""
        entry = self.leaves[index].decode()
        proof = "".join(b64encode(digest).decode() + "\n" for digest in self.inclusion(index))
        text = f"c2sp.org/tlog-proof@v1\nindex {index}\n{proof}\n{self.note()}"
        return {
            "id": json.loads(self.leaves[index])["statement"]["id"],
            "index": index,
            "entry": entry,
            "proof": text,
        }

    def history(self, subject: str) -> dict[str, Any]:
        """The history bundle of a subject."""
        parties = {uuid("operator")}
        for index in self.of.get(subject, []):
            statement = json.loads(self.leaves[index])["statement"]
            if "grant" not in statement:
                parties.add(statement["party"])
        shown = [subject, *(authority_of(party) for party in sorted(parties)), uuid(f"{self.name} ledger")]
        records = sorted(submap.format_record(submap.key_of(one), *head[:2]) for one, head in self.heads.items())
        return {
            "format": "patina/history/v1",
            "origin": self.origin,
            "subject": subject,
            "checkpoint": self.note(),
            "tail": {"entry": self.leaves[-1].decode(), "proof": _encoded(self.inclusion(self.size - 1))},
            "first": {"entry": self.leaves[0].decode(), "proof": _encoded(self.inclusion(0))},
            "histories": [self._shown(one, records) for one in dict.fromkeys(shown)],
            "disclosures": {},
        }

    def _shown(self, subject: str, records: list[bytes]) -> dict[str, Any]:
        proof = submap.prove_map(records, submap.key_of(subject))
        indexes = self.of.get(subject, [])
        return {
            "subject": subject,
            "map": submap.format_map_proof(proof),
            "last_proof": _encoded(self.inclusion(indexes[-1])) if indexes else [],
            "entries": [self.leaves[index].decode() for index in indexes],
        }

    # Where it is kept.

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The bytes of a tile."""
        span = 256**level
        first = number * 256
        return b"".join(merkle.root_from(self.hashes[n * span : (n + 1) * span]) for n in range(first, first + width))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The static files of the log: path and content."""
        yield "checkpoint", self.note().encode()
        for level, number, width in tiles.tiles_of(self.size):
            yield tiles.tile_path(level, number, width), self.tile(level, number, width)
            if level == 0:
                entries = self.leaves[number * 256 : number * 256 + width]
                yield tiles.entries_path(number, width), tiles.format_bundle(entries)

    def write_static(self, folder: Path) -> Path:
        """Write the static files; returns the folder."""
        for path, content in self.files():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    def write_ledger(self, folder: Path) -> Path:
        """Write the tables of a ledger's own folder that a verifier reads, or add to them; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(folder / "ledger.sqlite3")
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS leaf (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
            database.execute("CREATE TABLE IF NOT EXISTS head (size INTEGER, root BLOB, note TEXT)")
            database.execute(
                "CREATE TABLE IF NOT EXISTS tile (level, n, hashes BLOB, root BLOB, PRIMARY KEY (level, n))"
            )
            have = database.execute("SELECT count(*) FROM leaf").fetchone()[0]
            database.executemany("INSERT INTO leaf VALUES (?, ?)", list(enumerate(self.leaves))[have:])
            database.execute("DELETE FROM head")
            database.execute(
                "INSERT INTO head VALUES (?, ?, ?)", (self.size, merkle.root_from(self.hashes), self.note())
            )
            for level, number, width in tiles.tiles_of(self.size):
                if width == 256:
                    hashes = self.tile(level, number, width)
                    root = merkle.root_from([hashes[at : at + 32] for at in range(0, len(hashes), 32)])
                    database.execute("INSERT OR IGNORE INTO tile VALUES (?, ?, ?, ?)", (level, number, hashes, root))
        database.close()
        return folder


def shop() -> Build:
    """A ledger with an operator, a shop that repairs, and a laboratory."""
    made = Build()
    made.register("shop", "retailer", "repairer")
    made.register("lab", "certifier")
    made.seal()
    return made


def grow(made: Build, count: int, seed: int) -> None:
    """Append about ``count`` leaves that the rules accept, and a seal."""
    rand = random.Random(seed)
    items = [subject for subject in made.of if subject.startswith("https:")]
    end = made.size + count
    while made.size < end:
        step = rand.randrange(12)
        if step == 0 or not items:
            items.append(ring(len(items)))
            made.item(items[-1])
        elif step == 1:
            made.seal()
        else:
            _act(made, rand, step, rand.choice(items[-50:]))
    made.seal()


def _act(made: Build, rand: random.Random, step: int, subject: str) -> None:
    held = made.holders.get(subject)
    if step == 2 and held is None:
        made.sell(subject, f"receipt {made.size}")
    elif step == 3 and held is not None:
        new = f"device {made.size}"
        index = made.hold("item.transferred", subject, {"holder_key": key(new).did, "holder_custody": "device"}, new)
        made.holders[subject] = (new, made.hashes[index].hex())
    elif step == 4:
        details = {"certificate_no": f"C{made.size}", "result": "authentic", "methods": ["loupe"]}
        made.say("authentication.certified", "lab", subject, details)
    elif step == 5 and held is not None:
        details = {"kind": "repair", "channel": "web", "issue": "quality"}
        made.hold("case.opened", subject, details, case=uuid(f"case {made.size}"))
    elif step == 6:
        about = rand.choice(made.of[subject])
        statement = canonical.decode(made.leaves[about])["statement"]
        if statement["party"] == uuid("shop") and statement["type"] == "maintenance.performed":
            corrected: dict[str, Any] = {"reason": "typing", "details": {"work": ["clean again"]}}
            made.say("statement.corrected", "shop", subject, corrected, corrects=statement["id"])
    else:
        made.say("maintenance.performed", "shop", subject, {"work": ["clean", f"step {rand.randrange(1000)}"]})


def _encoded(hashes: list[bytes]) -> list[str]:
    return [b64encode(digest).decode() for digest in hashes]
