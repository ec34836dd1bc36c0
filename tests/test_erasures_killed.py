"""An erasure whose process is really killed after each of its steps: whoever starts next brings it to its end."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from api import erasing
from api.erasing import Wanted
from api.pages.item_page import verify
from ledger.db import erase
from ledger.db.copies import ERASED
from ledger.db.ledger import open_ledger
from ledger.history import VerifiedHistory
from ledger.note import parse_vkey
from ledger.private import ERASABLE
from tests import scanner
from tests.build import ring, uuid
from tests.shop import open_shop
from tests.stall import MASTER
from verifier.audit import Options, audit
from verifier.folder import open_folder

NEEDLES = ["Ada Example", "ada@example.org", "+1 555 0100"]
CUSTOMER = {"name": NEEDLES[0], "email": NEEDLES[1], "phone": NEEDLES[2]}
PHOTO = b"what a camera saw of Ada"
STEPS = ("recorded", "destroyed", "said", "begun", "rolled", "scrubbed", "renewed")


def prepare(directory: Path, url: str) -> tuple[int, str, list[bytes]]:
    """A ledger in which an erasure is asked for and not begun: the time, its id, and the wrapped keys that must go."""
    with open_shop(directory, url) as shop:
        jeweller = shop.party("jeweller", "retailer")
        ids = []
        kept, _ = shop.ledger.attachments.keep(jeweller.id, "image/jpeg", io.BytesIO(PHOTO), None)
        photo = {"name": "a.jpg", "media_type": kept.media_type, "size": kept.size, "sha256": kept.sha256}
        for item, private, more in (
            (ring(1), {"customer": CUSTOMER}, {"attachments": [photo]}),
            (ring(2), {"note": "stays and stays"}, {}),
        ):
            shop.say(jeweller, "item.registered", item, {"name": "Ring", "category": "jewellery"})
            statement = shop.statement(jeweller, "item.sold", item, {"channel": "store"}, **more)
            answer = shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller)
            assert answer.status_code == 201
            ids.append(statement["id"])
        with shop.ledger._engine.connect() as connection:
            wrapped = [
                *connection.exec_driver_sql('SELECT wrapped FROM seal_key WHERE "class" = 0').scalars(),
                *connection.exec_driver_sql("SELECT wrapped FROM epoch").scalars(),
                *connection.exec_driver_sql("SELECT wrapped FROM file_key").scalars(),
            ]
        wanted = Wanted(why="request", party=None, statements=(ids[0],), classes=ERASABLE)
        found = erasing.ask(shop.ledger, wanted, shop.ledger.operator, shop.clock())
        return shop.clock(), found.id, [bytes(one) for one in wrapped]


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_erasure_is_completed(tmp_path: Path, database_url: str, step: str) -> None:
    now, erasure, wrapped = prepare(tmp_path, database_url)
    words = [sys.executable, "-m", "tests.erasing", database_url, str(tmp_path), str(now), step]
    ended = subprocess.run(words, check=False, cwd=Path(__file__).parents[1], capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    ledger = open_ledger(database_url, directory=tmp_path, master=MASTER, clock=lambda: now)
    try:
        told: list[str] = []
        assert erase.work(ledger, now, grace=0, told=told.append)
        assert ("destroyed" in told) == (step == "recorded"), "what was taken stays taken"
        assert ("said" in told) == (step in {"recorded", "destroyed"})
        found = ledger.erasures.get(erasure)
        assert found is not None
        assert (found.state(""), len({part.entry for part in found.parts})) == ("done", 1)
        assert scanner.find(ledger, [*NEEDLES, *wrapped]) == []
        history = shown(ledger.reader.history(ring(1)), ring(1), ledger.vkeys, now)
        assert history.entries[-1].statement.type == "data.erased"
        (kept,) = ledger.vault.disclosures(ring(2)).values()
        assert len(kept) == 1
        assert ledger.vault.disclosures(ring(1)) == {}
        digest = sha256(PHOTO).hexdigest()
        assert ledger.attachments.states([uuid("jeweller")], [digest]) == {digest: ERASED}
        assert list(ledger.attachments._store.places()) == []
        vkey = ledger.vkeys[0]
    finally:
        ledger.close()
    if database_url.startswith("sqlite"):
        (tmp_path / "ledger.sqlite").rename(tmp_path / "ledger.sqlite3")
        assert audit(open_folder(tmp_path), Options((parse_vkey(vkey),))).outcome == "proven"


def shown(found: tuple[int, bytes] | None, item: str, vkeys: tuple[str, ...], now: int) -> VerifiedHistory:
    assert found is not None
    return verify(found[1], item, vkeys, now)


def test_an_erasure_that_another_process_has_in_hand_is_left_to_it(tmp_path: Path, database_url: str) -> None:
    now, erasure, _ = prepare(tmp_path, database_url)
    ledger = open_ledger(database_url, directory=tmp_path, master=MASTER, clock=lambda: now)
    try:
        with erase._alone(ledger) as mine:
            assert mine
            assert not erase.work(ledger, now, grace=0)
        found = ledger.erasures.get(erasure)
        assert found is not None
        assert found.state("9999") == "erasing"
        assert found.parts[0].statement != uuid("nothing")
    finally:
        ledger.close()
