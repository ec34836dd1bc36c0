"""Ledgers have small pages; one made with larger ones is served with them, until it comes back from a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from api.cli import restore as restore_command
from ledger.db import master
from ledger.db.backup import back_up
from ledger.db.engine import PAGE_BYTES
from ledger.db.ledger import Ledger, open_ledger
from ledger.note import parse_vkey
from tests.shop import START, open_shop
from tests.stall import MASTER
from verifier.audit import Options, audit
from verifier.folder import open_folder


def page_bytes(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA page_size").fetchone()[0])


def lay_out(file: Path, size: int) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("journal_mode=DELETE", f"page_size={size}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("VACUUM")


def opened(place: Path) -> Ledger:
    return open_ledger(f"sqlite:///{place / 'ledger.sqlite3'}", directory=place, master=MASTER, clock=lambda: START)


def test_a_ledger_whose_pages_are_larger_gets_small_ones_by_a_backup(tmp_path: Path) -> None:
    place, shelf = tmp_path / "ledger", tmp_path / "shelf"
    place.mkdir()
    shelf.mkdir()
    with open_shop(place) as shop:
        shop.registered(shop.party("jeweller", "retailer"))
        vkey = shop.ledger.vkeys[0]
    (place / master.NAME).write_text(bytes(range(32)).hex())
    file = place / "ledger.sqlite3"
    assert page_bytes(file) == PAGE_BYTES < 4096
    lay_out(file, 4096)
    ledger = opened(place)
    try:
        assert ledger.writer.seal(force=True)
        back_up(ledger, shelf)
    finally:
        ledger.close()
    assert page_bytes(file) == 4096
    (backup,) = shelf.glob("ledger-*.sqlite3")
    assert restore_command.main([str(backup), "--dir", str(place), "--json"]) == 0
    assert page_bytes(file) == PAGE_BYTES
    ledger = opened(place)
    try:
        assert ledger.writer.seal(force=True)
    finally:
        ledger.close()
    assert audit(open_folder(place), Options((parse_vkey(vkey),))).outcome == "proven"
