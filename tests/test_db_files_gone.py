"""Files that are erased, and processes that are killed: nothing half, nothing lost, nothing left."""

from __future__ import annotations

import io
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import times
from ledger.db import attachments as files
from ledger.db.blobs import FolderStore
from ledger.db.cipher import FILE, encrypt
from ledger.db.copies import ALTERED, ERASED, Gone, parts_of
from tests.kept_files import CONTENT, DIGEST, RIVAL, SHOP, keep, keys, listed, read, say, shop, stored
from tests.stall import Stall, urn

__all__ = ["shop"]


def test_erasing_destroys_key_and_file_and_says_so_where_it_was_public(shop: Stall) -> None:
    kept, private = keep(shop), keep(shop, b"private")
    assert keys(shop) == sorted([kept.sha256, private.sha256])
    public_statement = say(shop)
    private_statement = say(shop, "brooch", public=False, content=b"private")
    for public in (True, False):
        assert shop.ledger.attachments.erase([public_statement, private_statement], public=public) == 1
    assert stored(shop) == []
    find = shop.ledger.attachments.find
    tombstone = find(DIGEST, [SHOP])
    assert tombstone is not None
    assert (tombstone.state, keys(shop)) == (ERASED, [])
    for use in (shop.ledger.attachments.verify, lambda one: read(shop, one)):
        with pytest.raises(Gone) as gone:
            use(tombstone)
        assert gone.value.state == ERASED
    assert find(private.sha256, [SHOP]) is None, "of a private one not even the digest stays"
    with pytest.raises(Gone):
        read(shop, kept)
    shop.clock.now += 10 * files.WAITS
    shop.ledger.attachments.sweep()
    assert find(DIGEST, [SHOP]) == tombstone


def test_erasing_private_members_leaves_what_was_listed_in_public(shop: Stall) -> None:
    keep(shop)
    private = keep(shop, b"private")
    statement = urn("statement of ring")
    use_rows = shop.ledger.attachments.use_rows
    rows = use_rows([listed()], [SHOP])
    rows += use_rows([listed(b"private")], [SHOP], public=False)
    shop.accept(shop.register("ring", id=statement, rows=rows))
    assert shop.ledger.attachments.erase([statement], public=False) == 1
    assert shop.ledger.attachments.erase([statement], public=False) == 0, "again, and nothing more"
    assert shop.ledger.attachments.find(private.sha256, [SHOP]) is None
    kept = shop.ledger.attachments.find_public(DIGEST, urn("ring"))
    assert kept is not None
    assert read(shop, kept) == CONTENT
    assert len(stored(shop)) == 2


def test_erasing_leaves_what_another_statement_or_party_lists(shop: Stall) -> None:
    keep(shop)
    mine, other = keep(shop), keep(shop, party=RIVAL)
    first, second = say(shop), say(shop, "brooch")
    assert shop.ledger.attachments.erase([first]) == 0
    assert read(shop, mine) == CONTENT
    assert shop.ledger.attachments.erase([second]) == 1
    assert read(shop, other) == CONTENT


def test_another_file_under_the_right_key_is_not_the_one_that_was_listed(shop: Stall) -> None:
    """As by whoever runs the service and has every key: then the digest in the signed statement alone tells."""
    kept = keep(shop)
    key = shop.ledger.vault.file_key(SHOP, bytes.fromhex(DIGEST))
    assert key is not None
    other = io.BytesIO(CONTENT.replace(b"camera", b"CAMERA"))
    (path,) = [path for path in stored(shop) if path.name == kept.place.hex()]
    path.write_bytes(b"".join(encrypt(parts_of(other), key, FILE, kept.identity)))
    with pytest.raises(Gone) as gone:
        shop.ledger.attachments.verify(kept)
    assert gone.value.state == ALTERED


def test_a_kill_between_file_and_row_leaves_nothing_half(shop: Stall) -> None:
    program = f"""
import io, os
from pathlib import Path
from ledger.db.attachments import Attachments
from ledger.db.ledger import open_ledger
from tests.stall import MASTER
directory = Path({str(shop.directory)!r})
ledger = open_ledger({shop.url!r}, directory=directory, master=MASTER, clock=lambda: {shop.clock.now})
ledger.attachments.keep({SHOP!r}, "image/jpeg", io.BytesIO(b"kept"), None)
Attachments._insert = lambda *_: os.kill(os.getpid(), 9)
ledger.attachments.keep({SHOP!r}, "image/jpeg", io.BytesIO(b"killed"), None)
"""
    killed = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False)
    assert killed.returncode == -9
    find = shop.ledger.attachments.find
    kept = find(sha256(b"kept").hexdigest(), [SHOP])
    assert kept is not None
    assert read(shop, kept) == b"kept"
    assert find(sha256(b"killed").hexdigest(), [SHOP]) is None
    assert len(stored(shop)) == 2, "a file that no row names"
    say(shop, content=b"kept")
    shop.clock.now = (stored(shop)[0].stat().st_mtime_ns // 1000) + files.WAITS + 60 * times.SECOND
    assert shop.ledger.attachments.sweep() == 1
    assert [path.name for path in stored(shop)] == [kept.place.hex()]


def test_a_kill_in_the_middle_of_a_file_leaves_no_file(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from ledger.db.blobs import FolderStore
def parts():
    yield b"half"
    os.kill(os.getpid(), 9)
FolderStore(Path({str(tmp_path / "blobs")!r})).put(parts())
"""
    killed = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False)
    assert killed.returncode == -9
    store = FolderStore(tmp_path / "blobs")
    assert list(store.places()) == []
    assert len(list((tmp_path / "blobs" / "new").iterdir())) == 1
    store.tidy(2**62)
    assert list((tmp_path / "blobs" / "new").iterdir()) == []
