"""The keys of files: gone for good with an erasure, also for whoever has an older backup and its keys."""

from __future__ import annotations

import io
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from ledger.db import attachments as files
from ledger.db import keyfile, master
from ledger.db.backup import back_up
from ledger.db.copies import ERASED, MISSING, WHOLE, Gone, Kept, put_key
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.restore import Sources, erase_again, put_keys, restore
from ledger.db.secret import decrypt
from ledger.db.vault import epoch_identity, file_identity
from ledger.errors import Invalid, Unavailable
from ledger.leaf import Attachment
from tests import scanner
from tests.build import uuid
from tests.files import jpeg
from tests.private_shop import erased, rows, sold
from tests.shop import START, Party, Shop, open_shop
from tests.stall import MASTER

ASKED, OTHER, PUBLIC = b"of whoever asks" * 9, b"of somebody else" * 9, b"listed in public" * 9


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def keep(ledger: Ledger, content: bytes, party: str = uuid("jeweller")) -> Kept:
    return ledger.attachments.keep(party, "image/jpeg", io.BytesIO(content), io.BytesIO(b"small " + content))[0]


def listed(shop: Shop, content: bytes) -> dict[str, Any]:
    """An uploaded file, as a statement lists it."""
    kept = keep(shop.ledger, content)
    return {"name": "photo.jpg", "media_type": kept.media_type, "size": kept.size, "sha256": kept.sha256}


def fill(shop: Shop) -> str:
    """Three sales: with a private file of whoever asks to be erased, with another's, and with a public one.

    Returns the first one's statement.
    """
    jeweller = shop.party("jeweller", "retailer")
    asked = sold(shop, jeweller, uuid("ring"), {"attachments": [listed(shop, ASKED)]})
    sold(shop, jeweller, uuid("watch"), {"attachments": [listed(shop, OTHER)]})
    about = {"name": "Brooch", "category": "jewellery"}
    shop.say(jeweller, "item.registered", uuid("brooch"), about, attachments=[listed(shop, PUBLIC)])
    return str(asked["statement"]["id"])


def read(ledger: Ledger, content: bytes) -> bytes | str:
    """The file, or what became of it: how it stands, or that it is not there."""
    kept = ledger.attachments.find(sha256(content).hexdigest(), [uuid("jeweller")])
    if kept is None:
        return "not there"
    try:
        ledger.attachments.verify(kept)
        return b"".join(ledger.attachments.parts(kept))
    except Gone as gone:
        return gone.state


def erase(shop: Shop, statement: str, who: Party | None = None) -> None:
    assert erased(shop, who or shop.parties["jeweller"], statements=[statement])["state"] == "done"


def check_survivors(ledger: Ledger) -> None:
    assert (read(ledger, OTHER), read(ledger, PUBLIC)) == (OTHER, PUBLIC)


def opens(rows: keyfile.Rows, epochs: list[tuple[Any, ...]]) -> bool:
    """Whether the key of the erased file, as these rows have it, opens with one of these epochs by the master key."""
    digest = sha256(ASKED).digest()
    for _, _, _, wrapped in [row for row in rows[2] if bytes(row[1]) == digest]:
        for number, key, _ in epochs:
            try:
                epoch = AESGCM(MASTER.unwrap(bytes(key), epoch_identity(number)))
                decrypt(epoch, bytes(wrapped), identity_of(digest))
            except InvalidTag:
                continue
            return True
    return False


def identity_of(digest: bytes) -> bytes:
    return file_identity(uuid("jeweller"), digest)


def test_an_erasure_leaves_no_bytes_of_the_files_key_and_the_others_open(shop: Shop) -> None:
    statement = fill(shop)
    before = shop.ledger.epochs.rows()
    assert opens(before, before[0])
    wrapped = [bytes(row[3]) for row in before[2]]
    assert len(wrapped) == 3
    erase(shop, statement)
    after = shop.ledger.epochs.rows()
    assert read(shop.ledger, ASKED) == "not there"
    assert {bytes(row[1]) for row in after[2]} == {sha256(OTHER).digest(), sha256(PUBLIC).digest()}
    assert {row[2] for row in after[2]} == {after[0][0][0]}, "wrapped again by the one epoch that is left"
    check_survivors(shop.ledger)
    assert not opens(before, after[0])
    assert scanner.find(shop.ledger, [*wrapped, *(bytes(row[1]) for row in before[0])]) == []


def test_a_file_without_its_key_is_erased_whatever_its_row_says(shop: Shop) -> None:
    shop.party("jeweller", "retailer")
    kept = keep(shop.ledger, ASKED)
    with shop.ledger._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM file_key")
    found = shop.ledger.attachments
    assert rows(shop, "SELECT state FROM attachment") == [(WHOLE,)]
    assert found.states([uuid("jeweller")], [kept.sha256]) == {kept.sha256: ERASED}
    file = Attachment(name="a.jpg", media_type=kept.media_type, size=kept.size, sha256=kept.sha256)
    with pytest.raises(Invalid, match="not uploaded"):
        found.use_rows([file], [uuid("jeweller")])
    for use in (found.verify, lambda one: b"".join(found.parts(one, thumbnail=True))):
        with pytest.raises(Gone) as gone:
            use(kept)
        assert gone.value.state == ERASED
    assert found.check_some(9) == [], "there is nothing to look at"
    assert keep(shop.ledger, ASKED).place != kept.place
    assert read(shop.ledger, ASKED) == ASKED
    assert len(blobs(shop.ledger)) == 2


def blobs(ledger: Ledger) -> list[Path]:
    return [path for path in (ledger.directory / "blobs").glob("??/??/*") if path.is_file()]


@pytest.fixture
def other(shop: Shop) -> Iterator[Ledger]:
    """The same ledger in another process."""
    ledger = open_ledger(str(shop.ledger.url), directory=shop.ledger.directory, master=MASTER, clock=shop.clock)
    yield ledger
    ledger.close()


def roll(ledger: Ledger) -> None:
    """A new epoch, and the end of all others."""
    ledger.epochs.begin(ledger.epochs.rows()[0][-1][0], START)
    assert ledger.epochs.finish(START, 0)


@pytest.mark.parametrize("before", ["nothing", MISSING])
def test_an_upload_whose_epoch_has_ended_is_to_be_tried_again_and_leaves_nothing(
    shop: Shop, other: Ledger, before: str
) -> None:
    shop.party("jeweller", "retailer")
    first = keep(shop.ledger, ASKED if before == MISSING else OTHER)
    for path in blobs(shop.ledger):
        path.unlink()
    assert read(shop.ledger, ASKED) == (MISSING if before == MISSING else "not there")
    roll(other)
    with pytest.raises(Unavailable, match="try again"):
        keep(shop.ledger, ASKED)
    assert blobs(shop.ledger) == []
    assert read(shop.ledger, ASKED) == (MISSING if before == MISSING else "not there")
    assert len(rows(shop, "SELECT * FROM file_key")) == 1, "that of the first file"
    again = keep(shop.ledger, ASKED)
    assert again.place != first.place
    assert read(shop.ledger, ASKED) == read(other, ASKED) == ASKED


def test_an_upload_whose_epoch_has_ended_is_answered_503(shop: Shop, other: Ledger) -> None:
    jeweller = shop.party("jeweller", "retailer")
    keep(shop.ledger, OTHER)
    roll(other)
    headers = {**jeweller.headers, "Content-Type": "image/jpeg"}
    answers = [shop.client.post("/v1/attachments", content=jpeg(), headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 201]
    assert shop.get(answers[1].json()["address"], jeweller).status_code == 200


def test_the_end_of_an_epoch_waits_for_an_upload_that_is_being_written(
    shop: Shop, other: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.party("jeweller", "retailer")
    keep(shop.ledger, OTHER)
    other.epochs.begin(1, START)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(other.epochs.finish(START, 0)))

    def put(connection: Connection, *about: Any) -> None:
        put_key(connection, *about)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not shop.ledger.is_sqlite and thread.is_alive() and not connection.exec_driver_sql(waiting).scalar():
            time.sleep(0.01)

    monkeypatch.setattr(files, "put_key", put)
    keep(shop.ledger, ASKED)
    thread.join()
    assert ended == [True]
    assert [row[2] for row in shop.ledger.epochs.rows()[2]] == [2, 2]
    assert (read(shop.ledger, ASKED), read(other, OTHER)) == (ASKED, OTHER)


class Shelved:
    """A ledger with a backup, then an erasure, and what a thief took before it: backup, keys file and files."""

    def __init__(self, folder: Path) -> None:
        self.place, self.shelf, self.stolen = (folder / name for name in ("ledger", "shelf", "stolen"))
        for path in (self.place, self.shelf):
            path.mkdir()
        with open_shop(self.place) as shop:
            statement = fill(shop)
            back_up(shop.ledger, self.shelf)
            shutil.copytree(self.shelf, self.stolen)
            shutil.copytree(self.place / "blobs", self.stolen / "blobs")
            erase(shop, statement)
            keep(shop.ledger, b"after the backup")
        (self.place / master.NAME).write_text(bytes(range(32)).hex())

    @property
    def backup(self) -> Path:
        (found,) = self.stolen.glob("ledger-*.sqlite3")
        return found

    def restore(self, keys: Path | None) -> Ledger:
        """Restore, and put every stolen file back: what is not read is not read for want of its key."""
        database = self.place / "ledger.sqlite3"
        log = shutil.copy(database, self.shelf / "log.sqlite3")
        restore(self.place, database, Sources(self.backup, keys, Path(log)), MASTER, lambda *_: {})
        shutil.copytree(self.stolen / "blobs", self.place / "blobs", dirs_exist_ok=True)
        return open_ledger(f"sqlite:///{database}", directory=self.place, master=MASTER, clock=lambda: START)


@pytest.fixture
def shelved(tmp_path: Path) -> Shelved:
    return Shelved(tmp_path)


def test_a_backup_holds_no_key_of_a_file(shelved: Shelved) -> None:
    taken = keyfile.read_keys(shelved.stolen / keyfile.NAME)
    assert len(taken[2]) == 3
    assert opens(taken, taken[0]), "whoever has keys file and master key opens it: the tests below can fail"
    raw = shelved.backup.read_bytes()
    assert [row for row in taken[2] if bytes(row[3]) in raw] == []
    with closing(sqlite3.connect(shelved.backup)) as file:
        assert file.execute("SELECT count(*) FROM file_key").fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM attachment").fetchone() == (3,)


@pytest.mark.parametrize("keys", ["present", "renewed", "stolen"])
def test_after_a_restore_erased_files_stay_erased_and_the_others_are_read(shelved: Shelved, keys: str) -> None:
    given = {"present": None, "renewed": shelved.shelf / keyfile.NAME, "stolen": shelved.stolen / keyfile.NAME}[keys]
    taken = keyfile.read_keys(shelved.stolen / keyfile.NAME)
    ledger = shelved.restore(given)
    try:
        assert read(ledger, ASKED) == "not there"
        check_survivors(ledger)
        now = ledger.epochs.rows()
        assert not opens(taken, now[0]), "the old row opens with no epoch that is left"
        assert {bytes(row[1]) for row in now[2]} == {sha256(OTHER).digest(), sha256(PUBLIC).digest()}
        needles = [bytes(row[3]) for row in taken[2]] + [bytes(row[1]) for row in taken[0]]
        assert scanner.find(ledger, needles) == []
        renewed = keyfile.read_keys(shelved.shelf / keyfile.NAME)
        assert not opens(renewed, [*renewed[0], *now[0]])
        keep(ledger, b"after the backup")
        assert read(ledger, b"after the backup") == b"after the backup"
    finally:
        ledger.close()


def test_the_rest_of_a_restore_on_either_database(shop: Shop, tmp_path: Path) -> None:
    """What is left to do after pg_restore: the keys of files that did not come with it, and the erasures since."""
    statement = fill(shop)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    back_up(shop.ledger, shelf)
    keys = keyfile.read_keys(shelf / keyfile.NAME)
    old = {name: rows(shop, f"SELECT * FROM {name}") for name in ("attachment", "attachment_use", "sealed")}
    shutil.copytree(shop.ledger.directory / "blobs", tmp_path / "stolen")
    erase(shop, statement)
    assert len(keyfile.read_keys(shelf / keyfile.NAME)[2]) == 2
    mark = "?" if shop.ledger.is_sqlite else "%s"
    with shop.ledger._engine.begin() as connection:  # as an older dump would leave it
        for name in ("seal_key", "file_key", "epoch", *old):
            connection.exec_driver_sql(f"DELETE FROM {name}")
        for name, kept in old.items():
            for row in kept:
                connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({', '.join([mark] * len(row))})", row)
    shutil.copytree(tmp_path / "stolen", shop.ledger.directory / "blobs", dirs_exist_ok=True)
    shop.ledger.vault.forget()
    assert (read(shop.ledger, ASKED), read(shop.ledger, OTHER)) == (ERASED, ERASED)
    put_keys(shop.ledger, keys)
    assert read(shop.ledger, ASKED) == ASKED, "until the erasures are done again"
    erase_again(shop.ledger, shop.ledger.directory, lambda *_: {}, START)
    shutil.copytree(tmp_path / "stolen", shop.ledger.directory / "blobs", dirs_exist_ok=True)
    assert read(shop.ledger, ASKED) == "not there"
    check_survivors(shop.ledger)
    shutil.rmtree(shelf)
    assert scanner.find(shop.ledger, [bytes(row[3]) for row in keys[2]]) == []
