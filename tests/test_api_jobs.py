"""What a server does by itself: sealing, and noticing that what it stored was changed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest

from api import jobs
from api.jobs import Jobs, forget_keys, rehash
from api.settings import Settings
from api.site import Site
from ledger.db.follower import Follower
from ledger.db.ledger import Ledger
from tests.shop import RING, Shop, open_shop


def run_rehash(shop: Shop) -> str | None:
    """What a pass over the log finds."""
    return asyncio.run(rehash(shop.app.state.site))


def test_a_log_as_it_was_written_has_nothing_wrong(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.say(shop.party("jeweller", "retailer"), "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        assert run_rehash(shop) is None
        assert shop.ledger.writer.refusal is None


def test_a_leaf_edited_behind_the_service_stops_it_from_signing(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        jeweller = shop.party("jeweller", "retailer")
        receipt = shop.say(jeweller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
            for name in names:
                database.execute(f'DROP TRIGGER "{name}"')
            edited = receipt["entry"].replace('"Ring"', '"Rang"').encode()
            database.execute("UPDATE leaf SET bytes = ? WHERE idx = ?", (edited, receipt["index"]))
        wrong = run_rehash(shop)
        assert wrong is not None
        answer = shop.post("/v1/statements", {"statement": shop.registered(jeweller)}, jeweller)
        assert (answer.status_code, answer.json()["detail"]) == (503, wrong)
        assert shop.get("/readyz").json()["detail"] == wrong


def test_a_key_that_a_posted_statement_revoked_leaves_custody(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        jeweller = shop.party("jeweller", "retailer")
        other = shop.party("other", "retailer")
        (key,) = shop.ledger.view.parties.parties[jeweller.id].keys
        shop.say(shop.operator, "key.revoked", f"{jeweller.id}#authority", {"key": key, "reason": "lost"})
        assert shop.ledger.access.kept_signer(key) is not None
        assert asyncio.run(forget_keys(shop.app.state.site)) == [key]
        assert shop.ledger.access.kept_signer(key) is None
        assert asyncio.run(forget_keys(shop.app.state.site)) == []
        assert shop.ledger.access.party_signer(other.id) is not None


def test_an_hour_without_statements_ends_in_a_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(tmp_path) as shop:
        monkeypatch.setattr(jobs, "SEAL_EVERY", 0.0)
        site = shop.app.state.site
        size = shop.size()

        async def a_while() -> None:
            tasks = Jobs(site)
            tasks.start()
            await asyncio.sleep(0.2)
            assert shop.size() == size
            shop.clock.pass_hours(1.1)
            while shop.size() == size:  # noqa: ASYNC110 - the job has no event to wait for
                await asyncio.sleep(0.01)
            await tasks.stop()

        asyncio.run(asyncio.wait_for(a_while(), 30))
        assert shop.size() == size + 1


def test_files_are_looked_at_and_swept_and_the_access_log_is_brought_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_shop(tmp_path) as shop:
        for name in ("FLUSH_EVERY", "SWEEP_EVERY", "CHECK_EVERY"):
            monkeypatch.setattr(jobs, name, 0.01)
        files = shop.ledger.attachments
        kept, _ = files.keep(shop.operator.id, "image/jpeg", BytesIO(b"kept"), None)
        gone, _ = files.keep(shop.operator.id, "image/jpeg", BytesIO(b"gone"), None)
        next((tmp_path / "blobs").glob(f"??/??/{gone.place.hex()}")).unlink()
        shop.ledger.readings.note(party=None, key="k", why="test", members=["price"])

        async def a_while() -> None:
            tasks = Jobs(shop.app.state.site)
            tasks.start()
            while files.states([shop.operator.id], [gone.sha256]) != {gone.sha256: "missing"}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            shop.clock.pass_hours(25)
            while files.find(kept.sha256, [shop.operator.id]) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await tasks.stop()

        asyncio.run(asyncio.wait_for(a_while(), 30))
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as database:
            assert database.execute("SELECT count(*) FROM reading").fetchone() == (1,)


def test_the_ledger_is_closed_after_what_works_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of a task that was ended has a connection, and may hold the lock of whoever appends."""
    began, order = threading.Event(), []

    def step(_: Follower) -> bool:
        began.set()
        time.sleep(0.3)
        order.append("followed")
        return False

    def close(ledger: Ledger) -> None:
        order.append("closed")
        really(ledger)

    really = Ledger.close
    monkeypatch.setattr(Follower, "step", step)
    monkeypatch.setattr(Ledger, "close", close)
    with open_shop(tmp_path, jobs=True):
        assert began.wait(30)
    assert order[-2:] == ["followed", "closed"]


def test_a_ledger_that_is_not_open_stops_no_task_and_is_written_down_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "FLUSH_EVERY", 0.0)

    async def a_while() -> None:
        tasks = Jobs(Site(Settings(tmp_path, "http://shop.example"), lambda: pytest.fail("opened"), lambda: 0))
        tasks.start()
        while tasks._warned == {}:  # noqa: ASYNC110 -- the first try of a task is what is waited for
            await asyncio.sleep(0.01)
        await tasks._quietly(lambda ledger: ledger.readings.flush())
        await tasks.stop()

    asyncio.run(asyncio.wait_for(a_while(), 60))
    assert caplog.text.count("a task of upkeep failed: the service is starting") == 1


def test_a_database_that_was_away_does_not_end_the_re_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(tmp_path) as shop:
        monkeypatch.setattr(jobs, "PAUSE", 0.0)
        walks: list[int] = []

        async def cut_short(*_: object, **__: object) -> None:
            walks.append(len(walks))
            if len(walks) < 3:
                raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(jobs, "rehash", cut_short)

        async def a_while() -> None:
            tasks = Jobs(shop.app.state.site)
            tasks.start()
            while len(walks) < 4:  # noqa: ASYNC110 - the job has no event to wait for
                await asyncio.sleep(0.01)
            await tasks.stop()

        asyncio.run(asyncio.wait_for(a_while(), 30))


def test_lists_follow_by_themselves_without_anybody_asking(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.say(shop.party("jeweller", "retailer"), "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        site = shop.app.state.site
        assert site.ledger.follower.behind() > 0

        async def run() -> None:
            doing = Jobs(site)
            follows = asyncio.get_running_loop().create_task(doing._follow())
            while site.ledger.follower.behind():  # noqa: ASYNC110 -- what is waited for is a row of the database
                await asyncio.sleep(0.01)
            follows.cancel()

        asyncio.run(asyncio.wait_for(run(), 60))
