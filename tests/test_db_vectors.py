"""The ledger of the public vectors, written again through the appender: every byte of it comes out the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ledger import leaf, merkle, times
from ledger.db.draft import Accepted, Draft
from ledger.db.founding import Founding
from ledger.db.ledger import Ledger, found_ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.leaf import Entry
from ledger.note import parse_note
from tests.vectors import vector

MASTER = MasterKey(bytes(range(32)))


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def draft_of(entry: Entry) -> Draft:
    return Draft(entry.statement, leaf.statement_bytes(entry.statement), entry.signatures, verified=True)


@pytest.fixture
def known() -> Any:
    return vector("patina-format/ledger.json")


@pytest.fixture
def rebuilt(known: Any, database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """The vectors' ledger, appended in the same commits at the same times."""
    leaves = [leaf.parse_leaf(raw.encode()) for raw in known["leaves"]]
    sizes = [int(note.split("\n")[1]) for note in known["checkpoints"]]
    first = leaves[0]
    assert isinstance(first, Entry)
    seeds = bytes.fromhex(known["seeds"]["log"]), bytes.fromhex(known["seeds"]["operator"])
    founding = Founding(first.statement, first.signatures[0], *seeds)
    clock = Clock()
    clock.now = times.parse_recorded(first.recorded_at)
    found_ledger(database_url, directory=tmp_path, founding=founding, now=clock.now, master=MASTER, map_bits=8)
    ledger = open_ledger(database_url, directory=tmp_path, master=MASTER, clock=clock)
    assert ledger.reader.checkpoint() == known["checkpoints"][0]
    for number, (start, end) in enumerate(pairwise(sizes), 1):
        entries = [one for one in leaves[start:end] if isinstance(one, Entry)]
        clock.now = times.parse_recorded(entries[0].recorded_at)
        outcomes = [one for (one,) in ledger.writer.append([[draft_of(entry)] for entry in entries])]
        for entry, outcome in zip(entries, outcomes, strict=True):
            assert isinstance(outcome, Accepted), outcome
            assert (outcome.index, outcome.entry.decode()) == (entry.index, known["leaves"][entry.index])
            assert outcome.checkpoint == known["checkpoints"][number]
    yield ledger
    ledger.close()


def test_every_leaf_root_and_checkpoint_is_the_same(known: Any, rebuilt: Ledger) -> None:
    reader = rebuilt.reader
    assert [reader.leaf(index) for index in range(reader.size())] == [raw.encode() for raw in known["leaves"]]
    assert reader.tile(0, 0, len(known["leaf_hashes"])) == bytes.fromhex("".join(known["leaf_hashes"]))
    for size, root in known["roots"].items():
        assert reader.root(int(size)) == bytes.fromhex(root)
    assert reader.checkpoint() == known["checkpoints"][-1]
    assert rebuilt.vkeys == (known["vkey"],)
    assert rebuilt.view.tip.map_root.hex() == known["map_root"]


def test_receipts_are_the_same(known: Any, rebuilt: Ledger) -> None:
    for one in known["receipts"]:
        entry = json.loads(one["entry"])
        made = json.loads(rebuilt.reader.receipt(entry["statement"]["id"]) or b"null")
        assert made == one | {"id": entry["statement"]["id"], "index": entry["index"]}


def test_histories_are_the_same(known: Any, rebuilt: Ledger) -> None:
    for one in known["histories"]:
        found = rebuilt.reader.history(one["subject"], disclosures=one["disclosures"], absent=True)
        assert found is not None
        size, made = found[0], json.loads(found[1])
        assert size == len(known["leaves"])
        by_subject = {part["subject"]: part for part in one.pop("histories")}
        parts = made.pop("histories")
        assert parts[0]["subject"] == one["subject"]
        assert {part["subject"]: part for part in parts} == by_subject
        assert len(parts) == len(by_subject)
        assert made == one


def test_the_map_gives_the_same_proofs(known: Any, rebuilt: Ledger) -> None:
    for one in known["histories"]:
        found = rebuilt.reader.map_proof(one["subject"])
        assert found["map"] == one["histories"][0]["map"]
        assert found["tail"] == one["tail"]
        assert parse_note(found["checkpoint"]) == parse_note(known["checkpoints"][-1])


def test_the_same_statements_again_change_nothing(known: Any, rebuilt: Ledger) -> None:
    entries = [leaf.parse_leaf(raw.encode()) for raw in known["leaves"][2:]]
    drafts = [[draft_of(entry)] for entry in entries if isinstance(entry, Entry)]
    for (outcome,) in rebuilt.writer.append(drafts):
        assert isinstance(outcome, Accepted)
        assert outcome.repeated
        assert outcome.entry.decode() == known["leaves"][outcome.index]
        hashed = bytes.fromhex(known["leaf_hashes"][outcome.index])
        merkle.check_inclusion(outcome.index, 23, hashed, outcome.hashes, bytes.fromhex(known["roots"]["23"]))
    assert rebuilt.reader.checkpoint() == known["checkpoints"][-1]
