"""A search goes by what is few, and each way finds what a walk over all items finds, page by page."""

from __future__ import annotations

import random

from ledger.db import items, worktables
from ledger.db.connect import session
from ledger.db.engine import open_engine
from ledger.db.items import FEW, FIRST, Search
from ledger.db.session import Insert
from ledger.db.tables import item, item_party
from ledger.db.views import uuid_bytes
from ledger.words import text_of, words_asked
from tests.build import uuid

ITEMS = 2600
BIG, SMALL, OLD, NONE = (uuid(name) for name in ("big", "small", "old", "none"))
OF = {
    BIG: set(range(1, ITEMS, 2)),
    SMALL: set(random.Random(7).sample(range(ITEMS), 40)),
    OLD: set(range(FEW + 200)),
    NONE: set[int](),
}


def name_of(sid: int) -> str:
    """All are rings; every fifth is of jade, every hundredth of silver, and the first nine hundred are old."""
    return " ".join(["ring", *["翡翠"] * (sid % 5 == 0), *["silver"] * (sid % 100 == 0), *["old"] * (sid < 900)])


def test_every_way_of_a_search_finds_the_same(database_url: str) -> None:
    engine = open_engine(database_url)
    about = [(sid, uuid(f"item {sid}"), name_of(sid)) for sid in range(ITEMS)]
    rest = ("jewellery", None, None, "in_use", BIG, 0, "2026-01-01T00:00:00.000Z")
    texts = [(sid, text_of((subject, name, "jewellery"))) for sid, subject, name in about]
    parties = sorted((uuid_bytes(party), sid) for party, sids in OF.items() for sid in sids)
    with session(engine) as opened:
        opened.begin(write=True)
        rows = [(*one, *rest) for one in about]
        opened.write([Insert(item, rows), Insert(worktables.item_text, texts), Insert(item_party, parties)])
        opened.commit()
        opened.begin(write=False)
        for text in ("ring", "翡翠 ring", "silver", "old", "gold"):
            words = words_asked(text)
            for party, seen in (
                (None, None), (BIG, None), (SMALL, None), (OLD, None), (NONE, None), (None, (SMALL, NONE)),
                (None, (SMALL, OLD)), (None, ()), (BIG, (OLD,)), (SMALL, (OLD, BIG)),
            ):  # fmt: skip
                mine = set(range(ITEMS)) if party is None else OF[party]
                mine = mine if seen is None else mine & set().union(*(OF[one] for one in seen))
                wanted = [sid for sid in sorted(mine, reverse=True) if set(text.split()) <= set(name_of(sid).split())]
                search, cursor, found = Search(text=text, party=party, seen_by=seen), None, list[int]()
                while (page := items._rows(opened, search, words, cursor, 400)) and len(found) <= ITEMS:
                    found += [row[-1] for row in page]
                    cursor = str(found[-1])
                assert found == wanted, (text, party, seen)
    assert FIRST < FEW < len(OF[BIG]) < ITEMS, "so that no way is left out"
    engine.dispose()
