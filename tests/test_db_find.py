"""Finding on both databases: one spelling, one key for each chain, nothing across chains, gone after erasure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from ledger.db.draft import Draft, Row
from ledger.db.engine import open_engine
from ledger.db.find import MAX_FOUND, chain_of, find_rows, top_of
from ledger.db.needles import FIELDS, MAX_TEXT, MAX_VALUES, normal, private_values, public_values
from ledger.db.private_tables import ERASED_WITH
from ledger.db.tables import find_private
from ledger.db.views import uuid_bytes
from ledger.errors import Invalid
from ledger.party import Parties, Party
from tests.stall import Stall, stall, urn

PHONE, EMAIL = "+1 202 555 0100", "Jane.Doe@example.org"
CUSTOMER = {"customer": {"name": "Jane Doe", "phone": PHONE, "email": EMAIL}, "receipt_no": "R-2026/17"}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def party(shop: Stall, name: str, parent: str | None = None, country: str | None = "US") -> None:
    """Register a party of a chain."""
    drafts = shop.party(name, "retailer")
    more = {"parent": urn(parent)} if parent else {}
    more |= {"country": country} if country else {}
    details = {**drafts[0].statement.details, **more}
    shop.accept(shop.draft("party.registered", f"{urn(name)}#authority", details, by="operator"), drafts[1])


def move(shop: Stall, name: str, parent: str | None) -> None:
    details: dict[str, Any] = {"name": name, "roles": ["retailer"], "country": "US"}
    details |= {"parent": urn(parent)} if parent else {}
    shop.accept(shop.draft("party.updated", f"{urn(name)}#authority", details, by="operator"))


def sell(shop: Stall, by: str, item: str, private: dict[str, Any] | None = None) -> str:
    """Register an item with private members beside; the statement's id."""
    draft = shop.register(item, by=by)
    rows = find_rows(draft.statement, CUSTOMER if private is None else private, shop.ledger.finder.key(urn(by)))
    shop.accept(Draft(draft.statement, draft.body, draft.signatures, rows=tuple(rows), verified=True))
    return draft.statement.id


def find(shop: Stall, who: str, name: str = "phone", text: str = PHONE) -> list[str]:
    return sorted(one.statement for one in shop.ledger.finder.find(urn(who), name, text))


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("phone", ["+1 202 555 0100", "(202) 555-0100", "2025550100", "+12025550100", "\uff0b\uff11 202 555 0100"]),
        ("email", ["jane.doe@example.org", " Jane.Doe@Example.ORG", "JANE.DOE@EXAMPLE.ORG\u3000"]),
        ("receipt_no", ["R-2026/17", "r 2026 17", "R202617"]),
        ("certificate_no", ["GIA 123-456", "gia123456", "ＧＩＡ １２３４５６"]),
        ("serial", ["R/001", "r001"]),
    ],
)  # fmt: skip
def test_spellings_of_one_value_are_one(name: str, spellings: list[str]) -> None:
    assert len({normal(name, text, "US") for text in spellings}) == 1
    assert normal(name, spellings[0], "US") is not None


def test_different_values_stay_different() -> None:
    assert normal("phone", "202 555 0100", "US") != normal("phone", "202 555 0100", "GB")
    assert normal("phone", "202 555 0100", "US") != normal("phone", "202 555 0101", "US")
    assert normal("phone", "555 0100", None) == "5550100", "of no known country: its digits"
    assert normal("phone", "+999 1234 5678 9012 3456", "US") == "9991234567890123456"
    for name, text in (("phone", "abc"), ("phone", "12"), ("email", "jane"), ("serial", " -/ "), ("phone", "")):
        assert normal(name, text, "US") is None
    assert len(normal("serial", "a" * 1000, None) or "") == MAX_TEXT


def test_values_are_taken_from_where_they_stand(shop: Stall) -> None:
    deep = {"customer": [{"phone": ["1", "2"], "email": "x@example.org"}, "free text"], "price": "120.00", "phone": 7}
    assert sorted(private_values(deep)) == [("email", "x@example.org"), ("phone", "1"), ("phone", "2")]
    opened = shop.draft(
        "case.opened", urn("case"), {"kind": "repair", "channel": "store", "issue": "quality", "job_no": "J 7"}
    )
    assert list(public_values(opened.statement)) == [("job_no", "J 7")]
    ring = "https://id.gs1.org/01/09520123456788/21/R%2F001"
    draft = shop.draft("item.registered", ring, {"name": "Ring", "category": "jewellery"})
    assert list(public_values(draft.statement)) == [("serial", "R/001")]
    assert list(public_values(shop.maintain("ring").statement)) == []
    assert find_rows(shop.maintain("ring").statement, {}, shop.ledger.finder.key(urn("shop"))) == []


def test_a_record_is_found_by_each_of_its_values_in_any_spelling(shop: Stall) -> None:
    party(shop, "store")
    statement = sell(shop, "store", "ring")
    sell(shop, "store", "brooch", {"phone": "+1 202 555 0101"})
    for name, text in (("phone", "(202) 555-0100"), ("email", "JANE.DOE@example.org"), ("receipt_no", "r2026 17")):
        assert find(shop, "store", name, text) == [statement]
    assert find(shop, "store", "email", PHONE.replace(" ", "") + "@example.org") == []
    assert find(shop, "store", "receipt_no", "2026") == [], "whole values, and not parts of them"
    for name in set(FIELDS) - {"phone"}:
        with pytest.raises(Invalid):
            find(shop, "store", name, " - ")


def test_a_chain_finds_what_its_shops_wrote_and_nothing_of_another(shop: Stall) -> None:
    party(shop, "head")
    for name in ("north", "south"):
        party(shop, name, "head")
    party(shop, "rival")
    ours = sorted([sell(shop, "head", "a"), sell(shop, "north", "b"), sell(shop, "south", "c")])
    theirs = sell(shop, "rival", "d")
    for name in ("head", "north", "south"):
        assert find(shop, name) == ours
    assert find(shop, "rival") == [theirs]
    assert find(shop, "shop") == []
    assert shop.ledger.finder.find(urn("shop"), "phone", PHONE) == []


def test_hashes_of_two_chains_have_nothing_in_common_and_hold_no_value(shop: Stall) -> None:
    party(shop, "store")
    party(shop, "rival")
    statement = shop.register("ring", by="store").statement
    rows = [find_rows(statement, CUSTOMER, shop.ledger.finder.key(urn(name))) for name in ("store", "rival")]
    hashes = [{row.values["hash"] for row in some if row.table == "find_private"} for some in rows]
    assert len(hashes[0]) == len(hashes[1]) == 3
    assert not hashes[0] & hashes[1]
    plain = {sha256(str(text).encode()).digest() for text in ("+12025550100", PHONE, EMAIL, EMAIL.lower(), "r202617")}
    assert not plain & (hashes[0] | hashes[1])
    key = shop.ledger.finder.key(urn("store"))
    assert key.hash("phone", "12345") != key.hash("receipt_no", "12345")
    assert "secret" not in repr(key)
    for row in rows[0]:
        assert not any(word in repr(row) for word in ("Jane", "555", "jane", "2026"))


def test_a_shop_that_leaves_takes_its_records_and_one_that_joins_brings_them(shop: Stall) -> None:
    party(shop, "head")
    party(shop, "north", "head")
    party(shop, "rival")
    inside = sell(shop, "north", "a")
    move(shop, "north", None)
    assert find(shop, "head") == []
    assert find(shop, "north") == [inside]
    outside = sell(shop, "north", "b")
    move(shop, "north", "rival")
    assert find(shop, "rival") == sorted([inside, outside]) == find(shop, "north")
    assert find(shop, "head") == []


def test_a_chain_that_leads_round_ends() -> None:
    parties = Parties()
    parties.parties = {
        "a": Party(parent="b"),
        "b": Party(parent="a"),
        "c": Party(parent="gone"),
        "d": Party(parent="c"),
    }
    assert top_of(parties, "a") in {"a", "b"}
    assert chain_of(parties, "a") >= {"a"}
    assert chain_of(parties, "d") == {"c", "d"} == chain_of(parties, "c")
    assert chain_of(parties, "unknown") == {"unknown"}


def test_after_erasure_nothing_is_found(shop: Stall) -> None:
    party(shop, "store")
    first, second = sell(shop, "store", "a"), sell(shop, "store", "b")
    engine = open_engine(shop.url)
    with engine.begin() as connection:
        for table in ERASED_WITH:
            connection.execute(delete(table).where(table.c.statement == uuid_bytes(first)))
    engine.dispose()
    assert find_private in ERASED_WITH
    for name, text in (("phone", PHONE), ("email", EMAIL), ("receipt_no", "R-2026/17")):
        assert find(shop, "store", name, text) == [second]


def test_a_statement_that_is_refused_is_not_found(shop: Stall) -> None:
    party(shop, "store")
    sell(shop, "store", "a")
    draft = shop.register("a", by="store")
    rows = tuple(find_rows(draft.statement, {"phone": "+1 202 555 0199"}, shop.ledger.finder.key(urn("store"))))
    shop.append(Draft(draft.statement, draft.body, draft.signatures, rows=rows, verified=True))
    assert find(shop, "store", "phone", "+1 202 555 0199") == []


def test_keys_are_kept_wrapped_and_shared_by_processes(shop: Stall) -> None:
    other = shop.again()
    assert other.finder.key(urn("shop")) == shop.ledger.finder.key(urn("shop"))
    assert other.finder.key(urn("shop")) != other.finder.key(urn("operator"))
    other.close()
    raw = b"".join(path.read_bytes() for path in shop.directory.rglob("*") if path.is_file())
    assert shop.ledger.finder.key(urn("shop"))._secret not in raw


def test_lists_are_bounded(shop: Stall) -> None:
    statement = shop.register("ring").statement
    many = {"phone": [f"+1 202 555 {number:04}" for number in range(100, 200)]}
    rows = find_rows(statement, many, shop.ledger.finder.key(urn("shop")))
    assert len(rows) == MAX_VALUES + 1
    key = shop.ledger.finder.key(urn("shop"))
    digest = key.hash("phone", PHONE)
    engine = open_engine(shop.url)
    some = [
        {"hash": digest, "statement": number.to_bytes(16, "big"), "class": 0, "subject": urn("x"), "party": urn("shop")}
        for number in range(MAX_FOUND + 20)
    ]
    with engine.begin() as connection:
        connection.execute(find_private.insert(), some)
    engine.dispose()
    assert len(find(shop, "shop", "phone", PHONE)) == MAX_FOUND


def test_rows_of_a_statement_name_it(shop: Stall) -> None:
    statement = shop.register("ring").statement
    rows = find_rows(statement, CUSTOMER, shop.ledger.finder.key(urn("shop")))
    assert [row for row in rows if row.table == "find_chain"] == [
        Row("find_chain", {"party": urn("shop"), "chain": urn("shop")})
    ]
    assert {row.values["statement"] for row in rows if row.table == "find_private"} == {uuid_bytes(statement.id)}
