"""The master key: a file, the environment or a key service of its own process; and changing it, killed at each step."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.passwords import hasher
from api.settings import Settings
from ledger.db import master, private_tables, tables
from ledger.db.keyservice import KeyClient
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import KEY_NAME, KeyKeeper, MasterKey
from ledger.errors import Invalid, Refused, Unavailable
from tests.build import ring, uuid
from tests.console import HTTPS, PASSWORD, Browser, add_person, login_of
from tests.private_shop import shown
from tests.shop import START, Party, Shop, open_shop
from tests.shop import Clock as ShopClock
from tests.stall import MASTER, Clock

ROOT = Path(__file__).parents[1]
PHONE = "+1 202 555 0100"
PHOTO = b"what a camera saw"
LISTED = {"name": "a.jpg", "media_type": "image/jpeg", "size": len(PHOTO), "sha256": sha256(PHOTO).hexdigest()}
SECRET = {"customer": {"name": "Ada Example", "phone": PHONE}, "attachments": [LISTED]}
JEWELLER = uuid("jeweller")


@pytest.fixture(params=["unix", "http"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyClient]:
    """A client of a key service that runs as long as the test."""
    asked = f"unix:{tmp_path / 'keys.sock'}" if request.param == "unix" else "http:"
    words = [sys.executable, "-m", "tests.key_server", asked, "sesame"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield KeyClient(server.stdout.readline().strip(), "sesame")
        server.terminate()


def filled(directory: Path, url: str | None = None) -> str:
    """A ledger whose master key is ``master.key`` in its folder, with all that a master key wraps; its URL.

    A party in custody, a person, and a sale with private members, by which it is found, and a private file.
    """
    with open_shop(directory, url) as shop:
        jeweller = shop.party("jeweller", "retailer")
        add_person(shop, jeweller.id, "owner", "otto")
        shop.say(jeweller, "item.registered", ring(1), {"name": "Ring", "category": "jewellery"})
        statement = shop.statement(jeweller, "item.sold", ring(1), {"channel": "store"})
        shop.ledger.attachments.keep(JEWELLER, "image/jpeg", io.BytesIO(PHOTO), None)
        shop.ledger.webhooks.add(JEWELLER, "https://example.org/", ["*"])
        shop.ledger.addresses.add(JEWELLER, "otto@shop.example", "en")
        assert shop.post("/v1/statements", {"statement": statement, "private": SECRET}, jeweller).status_code == 201
        (directory / master.NAME).write_text(bytes(range(32)).hex() + "\n")
        return shop.ledger.url


def opened(directory: Path, url: str, key: KeyKeeper) -> Ledger:
    return open_ledger(url, directory=directory, master=key, clock=Clock(START))


def prove(ledger: Ledger) -> None:
    """Everything that the master key wraps is of use.

    The ledger signs, parties in custody speak, private members and files open, people are found by login and have their
    names, records are found by a telephone number, and webhooks are signed.
    """
    assert ledger.writer.seal(force=True)
    assert ledger.access.party_signer(ledger.operator) is not None
    assert ledger.access.party_signer(JEWELLER) is not None
    ((sale, texts),) = ledger.vault.disclosures(ring(1)).items()
    assert len(texts) == 2
    photo = ledger.attachments.find(str(LISTED["sha256"]), [JEWELLER])
    assert photo is not None
    assert b"".join(ledger.attachments.parts(photo)) == PHOTO
    proof = ledger.access.people.by_login(login_of("otto"))
    assert proof is not None
    assert proof.hash is not None
    assert hasher().verify(proof.hash, PASSWORD)
    assert [person.name for person in ledger.access.people.all()] == ["Otto"]
    assert [found.statement for found in ledger.finder.find(JEWELLER, "phone", PHONE)] == [sale]
    (webhook,) = ledger.webhooks.of(JEWELLER)
    secrets = ledger.webhooks.secrets(webhook.id)
    assert secrets is not None
    assert [len(key) for key in secrets.keys] == [32]


@contextmanager
def serving(directory: Path, url: str, key: KeyKeeper) -> Iterator[Shop]:
    """The interface of a ledger that ``filled`` made, opened with this master key alone."""
    clock, ledgers = ShopClock(), list[Ledger]()

    def open_it() -> Ledger:
        ledgers.append(open_ledger(url, directory=directory, master=key, clock=clock))
        return ledgers[-1]

    app = create_app(Settings(directory, HTTPS, url, jobs=False), open_it, clock)
    with TestClient(app, base_url=HTTPS) as http:
        ledger = ledgers[-1]
        operator = Party(ledger.operator, ledger.access.create_api_key(ledger.operator, ["admin"], "operator"))
        mine = Party(JEWELLER, ledger.access.create_api_key(JEWELLER, ["write"], "jeweller"))
        yield Shop(app, http, ledger, clock, operator, {"jeweller": mine}, count=100)


def test_a_key_service_wraps_for_one_row_only(client: KeyClient) -> None:
    wrapped = client.wrap(b"seed", b"row 1")
    assert client.unwrap(wrapped, b"row 1") == b"seed"
    assert client.wrap(b"seed", b"row 1") != wrapped
    with pytest.raises(Unavailable, match="answered unwrap with 403"):
        client.unwrap(wrapped, b"row 2")
    with pytest.raises(Unavailable, match="answered wrap with 401"):
        KeyClient(client.address).wrap(b"seed", b"row 1")
    with pytest.raises(Unavailable, match="want wrapped"):
        client._ask("other", "wrapped", plain=b"", identity=b"")
    assert "sesame" not in repr(client)


def test_a_key_service_that_is_away_says_so(tmp_path: Path) -> None:
    for address in (f"unix:{tmp_path / 'nothing.sock'}", "http://127.0.0.1:9"):
        with pytest.raises(Unavailable, match="cannot be reached"):
            KeyClient(address).wrap(b"seed", b"row")


@pytest.mark.parametrize("address", ["http://keys.example/", "ftp://127.0.0.1/", "keys.sock", "https://"])
def test_keys_are_not_sent_over_a_network_in_clear(address: str) -> None:
    with pytest.raises(Invalid, match="want unix:, https: or http: on this machine"):
        KeyClient(address)


def test_a_whole_ledger_lives_on_a_key_service(client: KeyClient, tmp_path: Path) -> None:
    environ = {"PATINA_KEY_SERVICE": client.address + "/", "PATINA_KEY_SERVICE_TOKEN": "sesame", KEY_NAME: "00" * 32}
    key = master.master_of(environ, tmp_path)
    assert key == client, "the key service comes before a key"
    folder = tmp_path / "ledger"
    url = f"sqlite:///{tmp_path / 'l.sqlite'}"
    create_ledger(
        url, directory=folder, origin="a.example/log", name="A", now=START, rand=os.urandom, master=key, map_bits=6
    )
    ledger = opened(folder, url, key)
    try:
        assert ledger.writer.seal(force=True)
        assert ledger.vault._current()[0] == 1
    finally:
        ledger.close()


def test_from_a_file_to_a_key_service(client: KeyClient, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    url = filled(folder)
    before = leaves(url, folder, MASTER)
    environ = {"PATINA_NEW_KEY_SERVICE": client.address, "PATINA_NEW_KEY_SERVICE_TOKEN": "sesame"}
    ledger = opened(folder, url, master.master_of({}, folder))
    count, own = master.rotate(ledger, environ)
    ledger.close()
    assert (count >= 4, own) == (True, False)
    ledger = opened(folder, url, client)
    try:
        prove(ledger)
        assert [ledger.reader.leaf(index) for index in range(len(before))] == before
    finally:
        ledger.close()
    ledger = opened(folder, url, MASTER)
    with pytest.raises(Unavailable, match=r"master key does not open|does not know"):
        ledger.writer.seal(force=True)
    ledger.close()


def leaves(url: str, folder: Path, key: KeyKeeper) -> list[Any]:
    ledger = opened(folder, url, key)
    try:
        return [ledger.reader.leaf(index) for index in range(ledger.reader.size())]
    finally:
        ledger.close()


def test_a_rotation_changes_wrapped_keys_and_no_entry(tmp_path: Path, database_url: str) -> None:
    filled(tmp_path, database_url)
    before = leaves(database_url, tmp_path, MASTER)
    ledger = opened(tmp_path, database_url, master.master_of({}, tmp_path))
    assert master.rotate(ledger, {})[1]
    ledger.close()
    new = master.master_of({}, tmp_path)
    assert isinstance(new, MasterKey)
    assert new != MASTER
    assert not (tmp_path / master.NEXT).exists()
    assert (tmp_path / master.NAME).stat().st_mode & 0o777 == 0o600
    ledger = opened(tmp_path, database_url, new)
    try:
        prove(ledger)
        assert [ledger.reader.leaf(index) for index in range(len(before))] == before
        for table, column, identity_of in master.WRAPPED:
            with ledger._engine.connect() as connection:
                rows = connection.exec_driver_sql(f'SELECT "{column}", wrapped FROM {table}').all()
            assert rows
            for key, wrapped in rows:
                with pytest.raises(Unavailable):
                    MASTER.unwrap(bytes(wrapped), identity_of(key))
    finally:
        ledger.close()


def test_after_a_rotation_people_come_in_and_records_are_found_and_shown(tmp_path: Path, database_url: str) -> None:
    filled(tmp_path, database_url)
    ledger = opened(tmp_path, database_url, MASTER)
    assert master.rotate(ledger, {})[1]
    ledger.close()
    new = MasterKey.from_file(tmp_path / master.NAME)
    with serving(tmp_path, database_url, new) as shop:
        browser, jeweller = Browser(shop), shop.parties["jeweller"]
        assert browser.log_in(login_of("otto"), PASSWORD + "!").status_code == 401
        assert browser.log_in(login_of("otto")).status_code == 200
        assert browser.get("/v1/people").json()["people"][0]["name"] == "Otto"
        found = shop.post("/v1/find", {"phone": PHONE}, jeweller).json()["found"]
        (sale,) = shown(shop, jeweller, ring(1)).items()
        assert (found[0]["statement"], SECRET) == sale
        assert shop.get(f"/v1/attachments/{LISTED['sha256']}", jeweller).content == PHOTO
        shop.say(jeweller, "maintenance.performed", ring(1), {"work": ["polish"]})


def test_every_wrapped_column_is_wrapped_again_by_a_rotation_or_a_roll() -> None:
    by_master = [name for name, _, _ in master.WRAPPED]
    by_epochs = [table.name for table in private_tables.WRAPPED]
    wrapped = [table.name for table in tables.metadata.sorted_tables if "wrapped" in table.columns]
    assert sorted([*by_master, *by_epochs]) == sorted(wrapped)
    for name, column, _ in master.WRAPPED:
        assert tables.metadata.tables[name].primary_key.columns.keys() == [column]
    for table in private_tables.WRAPPED:
        assert [str(key.target_fullname) for key in table.columns["epoch"].foreign_keys] == ["epoch.id"]


@pytest.mark.parametrize("step", ["written", "wrapped", "replaced"])
def test_a_killed_rotation_leaves_a_ledger_that_works_and_is_gone_on_with(
    tmp_path: Path, database_url: str, step: str
) -> None:
    filled(tmp_path, database_url)
    words = [sys.executable, "-m", "tests.rotating", database_url, str(tmp_path), str(START), step]
    ended = subprocess.run(words, check=False, cwd=ROOT, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert (tmp_path / master.NEXT).exists() == (step != "replaced")
    for _ in range(2):
        key = master.master_of({}, tmp_path)
        ledger = opened(tmp_path, database_url, key)
        try:
            prove(ledger)
            master.rotate(ledger, {})
        finally:
            ledger.close()
        assert not (tmp_path / master.NEXT).exists()


def test_a_rotation_waits_for_nobody(tmp_path: Path) -> None:
    url = filled(tmp_path)
    one, other = opened(tmp_path, url, MASTER), opened(tmp_path, url, MASTER)
    with pytest.raises(Refused, match="another process"):
        master.rotate(one, {})
    other.close()
    assert not (tmp_path / master.NEXT).exists()
    with pytest.raises(Refused, match="environment's"):
        master.rotate(one, {KEY_NAME: bytes(range(32)).hex()})
    one.close()
