"""Backups, taken while the ledger is in use, and restored: nothing forks, and who was erased stays gone."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from api import erasing, intake
from api.cli import backup as backup_command
from api.cli import erase as erase_command
from api.cli import restore as restore_command
from api.erasing import Wanted
from api.signing_keys import Clerk
from ledger import receipt, tiles
from ledger.db import erase, keyfile, master
from ledger.db.backup import back_up
from ledger.db.draft import Accepted
from ledger.db.erased_file import NAME as RECORD
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.restore import erase_again, put_keys
from ledger.db.secret import decrypt
from ledger.db.vault import epoch_identity, key_identity
from ledger.dsse import SigningKey, sign_statement
from ledger.errors import PatinaError, Refused, Unavailable
from ledger.leaf import Signature, statement_bytes, statement_from
from ledger.note import parse_vkey
from tests import scanner
from tests.build import ring, uuid
from tests.shop import START, Shop, open_shop
from tests.stall import MASTER
from verifier.audit import Options, audit
from verifier.folder import open_folder

NEEDLES = ["Ada Example", "ada@example.org", "+1 555 0100"]
ADA: dict[str, Any] = {"customer": {"name": NEEDLES[0], "email": NEEDLES[1], "phone": NEEDLES[2]}}
BOB: dict[str, Any] = {"customer": {"name": "Bob Example", "phone": "+1 555 0199"}, "note": "stays, whatever happens"}


class Told:
    """A ledger's folder with two sales, by name, and what it released: receipts and the statements' ids."""

    def __init__(self, place: Path, shelf: Path) -> None:
        self.place, self.shelf = place, shelf
        self.ids: dict[str, str] = {}
        self.receipts: list[dict[str, Any]] = []

    def sell(self, shop: Shop, name: str, private: dict[str, Any]) -> None:
        jeweller = shop.party("jeweller", "retailer")
        shop.say(jeweller, "item.registered", ring(len(self.ids)), {"name": "Ring", "category": "jewellery"})
        statement = shop.statement(jeweller, "item.sold", ring(len(self.ids)), {"channel": "store"})
        answer = shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller)
        assert answer.status_code == 201
        self.receipts.append(answer.json())
        self.ids[name] = statement["id"]

    def item(self, name: str) -> str:
        return ring(list(self.ids).index(name))

    def erase(self, ledger: Ledger, name: str, now: int = START) -> None:
        wanted = Wanted(why="request", party=None, statements=(self.ids[name],))
        erasing.ask(ledger, wanted, ledger.operator, now)
        assert erase.work(ledger, now, grace=0)

    def open(self) -> Ledger:
        return open_ledger(
            f"sqlite:///{self.place / 'ledger.sqlite3'}", directory=self.place, master=MASTER, clock=lambda: START
        )

    def prove(self, ledger: Ledger) -> None:
        vkeys = [parse_vkey(vkey) for vkey in ledger.vkeys]
        for one in self.receipts:
            checked = receipt.check_receipt(receipt.parse_receipt(json.dumps(one).encode()), vkeys)
            assert ledger.reader.leaf(checked.entry.index) == one["entry"].encode()


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Ada's and Bob's sales, a backup, another sale after it, and then Ada's erasure."""
    place, shelf = tmp_path / "ledger", tmp_path / "shelf"
    place.mkdir()
    shelf.mkdir()
    made = Told(place, shelf)
    with open_shop(place) as shop:
        made.sell(shop, "ada", ADA)
        made.sell(shop, "bob", BOB)
        back_up(shop.ledger, shelf)
        shutil.copytree(shelf, tmp_path / "stolen")
        made.sell(shop, "later", {"note": "sold after the backup"})
        made.erase(shop.ledger, "ada")
        made.sell(shop, "last", {"note": "sold after the erasure"})
    (place / master.NAME).write_text(bytes(range(32)).hex())
    return made


def backup_of(told: Told, shelf: Path | None = None) -> Path:
    (found,) = (shelf or told.shelf).glob("ledger-*.sqlite3")
    return found


def restored(told: Told, *words: str) -> dict[str, Any]:
    assert restore_command.main([*words, "--dir", str(told.place), "--json"]) == 0
    return {}


def check_restored(told: Told, *survivors: str) -> None:
    """The person is gone and the others are there, everything released still verifies, and the ledger goes on."""
    ledger = told.open()
    try:
        told.prove(ledger)
        assert ledger.vault.disclosures(told.item("ada")) == {}
        for name in survivors:
            assert list(ledger.vault.disclosures(told.item(name))) == [told.ids[name]]
        assert found(ledger) == [told.ids[name] for name in survivors]
        assert ledger.writer.seal(force=True)
        assert scanner.find(ledger, NEEDLES) == []
        with_ids = [row for row in ledger.epochs.rows()[1] if bytes(row[0]).hex() in told.ids["ada"].replace("-", "")]
        assert with_ids == []
        vkey = ledger.vkeys[0]
    finally:
        ledger.close()
    assert audit(open_folder(told.place), Options((parse_vkey(vkey),))).outcome == "proven"


def found(ledger: Ledger) -> list[str]:
    """The statements that the jeweller finds by Ada's and by Bob's telephone number."""
    numbers = [customer["customer"]["phone"] for customer in (ADA, BOB)]
    return [one.statement for number in numbers for one in ledger.finder.find(uuid("jeweller"), "phone", number)]


def opens(told: Told, path: Path, epochs: list[tuple[Any, ...]]) -> bool:
    """Whether any wrapped data key in a SQLite file opens with any of these epochs, by the service's master key."""
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute('SELECT statement, "class", epoch, wrapped FROM seal_key').fetchall()
        own = file.execute("SELECT id, wrapped, created_at FROM epoch").fetchall()
    keys = [MASTER.unwrap(bytes(row[1]), epoch_identity(row[0])) for row in [*epochs, *own]]
    for statement, number, _, wrapped in rows:
        if bytes(statement).hex() != told.ids["ada"][9:].replace("-", ""):
            continue
        for key in keys:
            try:
                decrypt(AESGCM(key), wrapped, key_identity(statement, number))
            except InvalidTag:
                continue
            return True
    return False


def test_a_backup_holds_sealed_members_and_no_key_to_them(told: Told, tmp_path: Path) -> None:
    with closing(sqlite3.connect(backup_of(told))) as file:
        assert file.execute("SELECT count(*) FROM seal_key").fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM epoch").fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM find_private").fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM sealed").fetchone()[0] >= 3
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    epochs, keys, _ = keyfile.read_keys(tmp_path / "stolen" / keyfile.NAME)
    raw = backup_of(told).read_bytes()
    assert not [row for row in (*epochs, *keys) if bytes(row[-1 if len(row) == 4 else 1]) in raw]
    assert backup_of(told).stat().st_mode & 0o777 == 0o600
    assert (told.shelf / keyfile.NAME).stat().st_mode & 0o777 == 0o600


def test_after_a_restore_the_erased_person_is_still_gone(told: Told) -> None:
    restored(told, str(backup_of(told)))
    check_restored(told, "bob")


def test_what_the_service_still_has_opens_nothing_of_the_erased(told: Told, tmp_path: Path) -> None:
    assert opens(told, tmp_path / "stolen" / keyfile.NAME, []), "before, it did: the test can fail"
    restored(told, str(backup_of(told)))
    ledger = told.open()
    epochs = ledger.epochs.rows()[0]
    ledger.close()
    for path in (told.place / "ledger.sqlite3", backup_of(told), told.shelf / keyfile.NAME):
        assert not opens(told, path, epochs)
    old, _, _ = keyfile.read_keys(tmp_path / "stolen" / keyfile.NAME)
    wrapped = bytes(old[0][1])
    for path in (*told.place.rglob("*"), *told.shelf.rglob("*")):
        assert not path.is_file() or wrapped not in path.read_bytes(), path


def static_copy(told: Told, folder: Path) -> Path:
    """The log as a mirror has it: a checkpoint and entry bundles."""
    ledger = told.open()
    try:
        size = ledger.reader.size()
        for n in range(-(-size // tiles.WIDTH)):
            width = tiles.tile_width(0, n, size)
            path = folder / tiles.entries_path(n, width)
            path.parent.mkdir(parents=True, exist_ok=True)
            bundle = ledger.reader.bundle(n, width)
            assert bundle is not None
            path.write_bytes(bundle)
        (folder / "checkpoint").write_text(ledger.reader.checkpoint())
    finally:
        ledger.close()
    return folder


def lose(told: Told) -> None:
    """The database is gone with its WAL."""
    for path in told.place.glob("ledger.sqlite3*"):
        path.unlink()


def test_a_lost_database_is_brought_forward_from_a_mirror(told: Told, tmp_path: Path) -> None:
    mirror = static_copy(told, tmp_path / "mirror")
    lose(told)
    restored(told, str(backup_of(told)), "--log", str(mirror))
    check_restored(told, "bob")


@pytest.mark.parametrize("without", ["record", "nothing"])
def test_a_hidden_copy_of_the_keys_brings_nobody_back(told: Told, tmp_path: Path, without: str) -> None:
    mirror = static_copy(told, tmp_path / "mirror")
    lose(told)
    if without == "record":
        (told.place / RECORD).unlink()  # then the log's own data.erased must do
    stolen = tmp_path / "stolen"
    restored(told, str(backup_of(told, stolen)), "--keys", str(stolen / keyfile.NAME), "--log", str(mirror))
    check_restored(told, "bob")
    assert not opens(told, told.place / "ledger.sqlite3", [])


def test_the_record_alone_is_enough(told: Told, tmp_path: Path) -> None:
    """A machine whose guard was lost too, so that the log of the backup goes on: the erasure is not in that log."""
    lose(told)
    shutil.rmtree(told.place / "guard")
    (told.place / "guard").mkdir(mode=0o700)
    stolen = tmp_path / "stolen"
    restored(told, str(backup_of(told, stolen)), "--keys", str(stolen / keyfile.NAME))
    ledger = told.open()
    assert ledger.vault.disclosures(told.item("ada")) == {}
    assert list(ledger.vault.disclosures(told.item("bob"))) == [told.ids["bob"]]
    ledger.close()


@pytest.mark.parametrize("older", [False, True])
def test_a_tablets_key_that_came_after_the_backup_is_still_a_tablets(told: Told, older: bool) -> None:
    """Else it would count from everywhere and for everything; an ``older`` database has no list of them."""
    ledger, key = told.open(), SigningKey.from_seed(bytes(range(32)))
    clerk = Clerk(ledger, START, intake.new_id)
    added = statement_from(clerk.offer(uuid("jeweller"), key.did))
    signature = Signature(**sign_statement(statement_bytes(added), key))
    row = ledger.access.tablet_keys.row(key.did, "counter")
    draft = replace(clerk.vouched(added, signature), rows=(row,), verified=True)
    assert isinstance(ledger.writer.append([[draft]])[0][0], Accepted)
    ledger.close()
    if older:
        with closing(sqlite3.connect(told.place / "ledger.sqlite3")) as file:
            file.execute("DROP TABLE tablet_key")
    restored(told, str(backup_of(told)))
    ledger = told.open()
    assert ledger.reader.parties().in_force(key.did, uuid("jeweller"))
    assert ledger.access.tablet_keys.tablet_of(key.did) == (None if older else "counter")
    ledger.close()


def test_a_backup_that_is_behind_is_refused_and_nothing_changes(told: Told) -> None:
    lose(told)
    with pytest.raises(Refused, match="second history"):
        restored(told, str(backup_of(told)))
    assert not (told.place / "ledger.sqlite3").exists()
    assert not (told.place / "restoring").exists()


def test_another_ledgers_log_is_refused(told: Told, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with open_shop(other):
        pass
    before = (told.place / "ledger.sqlite3").read_bytes()
    with pytest.raises(Unavailable, match="not this ledger's"):
        restored(told, str(backup_of(told)), "--log", str(other / "ledger.sqlite3"))
    assert (told.place / "ledger.sqlite3").read_bytes() == before


def test_a_log_that_was_altered_or_cut_is_refused(told: Told, tmp_path: Path) -> None:
    mirror = static_copy(told, tmp_path / "mirror")
    (bundle,) = (mirror / "tile" / "entries").rglob("*.p/*")
    whole = bundle.read_bytes()
    lose(told)
    bundle.write_bytes(whole.replace(b'"channel":"store"', b'"channel":"stork"'))
    with pytest.raises(PatinaError, match="signature"):
        restored(told, str(backup_of(told)), "--log", str(mirror))
    bundle.write_bytes(tiles.format_bundle(tiles.parse_bundle(whole)[:-1]))
    with pytest.raises(Unavailable, match="does not lead to its own checkpoint"):
        restored(told, str(backup_of(told)), "--log", str(mirror))
    bundle.unlink()
    with pytest.raises(Unavailable, match="cannot read"):
        restored(told, str(backup_of(told)), "--log", str(mirror))
    assert not (told.place / "ledger.sqlite3").exists()


def test_a_moved_backup_finds_its_keys_file_or_says_so(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = [str(shutil.copy(backup_of(told), tmp_path / "alone.sqlite3"))]
    alone += ["--log", str(static_copy(told, tmp_path / "mirror"))]
    for keys, words in ((told.shelf / keyfile.NAME, []), (tmp_path / "away", ["--keys", str(tmp_path / "away")])):
        lose(told)
        if words:
            (told.shelf / keyfile.NAME).rename(keys)
            assert restore_command.main([*alone, "--dir", str(told.place)]) == 0
            assert "got no keys file" in capsys.readouterr().err
        restored(told, *alone, *words)
        assert '"keys": true' in capsys.readouterr().out
    check_restored(told, "bob")


@pytest.mark.parametrize("what", ["text", "missing", "empty"])
def test_what_is_no_backup_is_refused(told: Told, tmp_path: Path, what: str) -> None:
    path = tmp_path / "no-backup"
    if what == "text":
        path.write_text("no database at all")
    elif what == "empty":
        path.touch()
    before = (told.place / "ledger.sqlite3").read_bytes()
    with pytest.raises(Unavailable, match=r"cannot read|no ledger"):
        restored(told, str(path))
    assert (told.place / "ledger.sqlite3").read_bytes() == before


def test_nothing_is_restored_under_a_running_process(told: Told) -> None:
    ledger = told.open()
    try:
        with pytest.raises(Refused, match="stop it first"):
            restored(told, str(backup_of(told)))
    finally:
        ledger.close()


def test_a_backup_overwrites_nothing_and_the_command_says_where_it_is(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup_command.main([str(told.shelf / "mine.sqlite3"), "--dir", str(told.place), "--accept-clock"]) == 0
    assert "mine.sqlite3" in capsys.readouterr().out
    with pytest.raises(Refused, match="overwrites nothing"):
        backup_command.main([str(told.shelf / "mine.sqlite3"), "--dir", str(told.place)])
    with pytest.raises(Refused, match="not there"):
        backup_command.main([str(told.shelf / "no" / "mine.sqlite3"), "--dir", str(told.place)])


def test_erasing_by_command_renews_the_keys_file_that_it_can_reach(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    (told.shelf / keyfile.NAME).rename(told.shelf / "away")
    assert backup_command.main([str(told.shelf), "--dir", str(told.place), "--json"]) == 0
    before = keyfile.read_keys(told.shelf / keyfile.NAME)
    words = ["--statement", told.ids["bob"], "--why", "authority", "--dir", str(told.place), "--accept-clock", "--json"]
    capsys.readouterr()
    assert erase_command.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["state"], len(answer["entries"])) == ("done", 1)
    after = keyfile.read_keys(told.shelf / keyfile.NAME)
    assert len(after[1]) < len(before[1])
    assert {row[0] for row in after[0]}.isdisjoint(row[0] for row in before[0])
    assert erase_command.main(["--id", answer["id"], "--dir", str(told.place)]) == 0
    assert "done" in capsys.readouterr().out
    assert erase_command.main(["--resume", "--dir", str(told.place)]) == 0


def test_the_rest_of_a_restore_on_either_database(tmp_path: Path, database_url: str) -> None:
    """What is left to do after pg_restore: the keys that did not come with it, and the erasures since."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    made = Told(tmp_path, shelf)
    with open_shop(tmp_path, database_url) as shop:
        made.sell(shop, "ada", ADA)
        made.sell(shop, "bob", BOB)
        back_up(shop.ledger, shelf)
        keys = keyfile.read_keys(shelf / keyfile.NAME)
        with shop.ledger._engine.connect() as connection:
            sealed = connection.exec_driver_sql("SELECT * FROM sealed").all()
        made.erase(shop.ledger, "ada")
        renewed = keyfile.read_keys(shelf / keyfile.NAME)
        assert len(renewed[1]) == len(keys[1]) - 1
        with pytest.raises(Refused, match="keys of its own"):
            put_keys(shop.ledger, keys)
        # As an older dump would leave it.
        with shop.ledger._engine.begin() as connection:
            for table in ("seal_key", "epoch", "sealed", "find_private"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
            mark = "?" if shop.ledger.is_sqlite else "%s"
            for row in sealed:
                connection.exec_driver_sql(f"INSERT INTO sealed VALUES ({', '.join([mark] * 4)})", tuple(row))
        put_keys(shop.ledger, keys)
        assert erase_again(shop.ledger, tmp_path, lambda *_: {}, START) == 1
        assert shop.ledger.vault.disclosures(made.item("ada")) == {}
        assert list(shop.ledger.vault.disclosures(made.item("bob"))) == [made.ids["bob"]]
        assert found(shop.ledger) == [made.ids["bob"]]
        assert scanner.find(shop.ledger, [bytes(keys[0][0][1]), *NEEDLES]) == []
