"""Whatever a process writes, it writes by the connection that appends, whose cache nobody else's commit then empties.

SQLite counts, for each connection, the commits of others: ``PRAGMA data_version``. After an erasure the file is
scrubbed by a connection apart, and need not be asked for here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.notices.follow import Following
from ledger.db.connect import session
from ledger.db.engine import parse_url
from ledger.db.ledger import Ledger
from ledger.db.session import ask
from tests import files
from tests.build import ring
from tests.shop import Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as opened:
        yield opened


def commits_of_others(ledger: Ledger) -> int:
    with session(ledger._appending) as connection:
        return int(connection.gather(ask("PRAGMA data_version"))[0][0][0])


def test_nothing_is_written_by_another_connection(shop: Shop) -> None:
    ledger, jeweller = shop.ledger, shop.party("jeweller", "retailer", scopes=("write", "read"))
    before, stranger, seen = (
        commits_of_others(ledger),
        sqlite3.connect(parse_url(ledger.url).database or ""),
        set[int](),
    )

    def done(act: str, worked: object = True) -> None:
        assert worked, act
        assert commits_of_others(ledger) == before, act
        count = stranger.execute("PRAGMA data_version").fetchone()[0]
        assert count not in seen, f"{act} wrote nothing, and so shows nothing"
        seen.add(count)

    shop.say(jeweller, "item.registered", ring(0), {"name": "Ring", "category": "jewellery"})
    statement = shop.statement(jeweller, "item.sold", ring(0), {"channel": "store"})
    private = {"customer": {"name": "Ada Example", "phone": "+1 555 0100"}}
    posted = shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller)
    done("a sale with private members", posted.status_code == 201)
    done("work lists", ledger.follower.step())
    headers = {"Content-Type": "image/png"} | jeweller.headers
    kept = shop.client.post("/v1/attachments", content=files.png(), headers=headers)
    done("a file", kept.status_code == 201)
    done("a code and its page", shop.client.get(f"/i/{shop.code(jeweller, ring(0))}").status_code == 200)
    assert shop.get(f"/v1/items/{ring(0)}/history", jeweller).status_code == 200
    ledger.readings.flush()
    ledger.risks.flush()
    done("the access log")
    done("notices", Following(ledger, shop.app.state.site.settings, shop.clock).follow())
    shop.clock.pass_hours(48)
    done("files that nothing lists", ledger.attachments.sweep() == 1)
    ledger.writer.accept_clock = True
    done("a seal", ledger.writer.seal(force=True))
    stranger.close()
