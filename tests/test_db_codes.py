"""Codes on both databases: what each opens is the ledger's state to say, and a card is bound by the ledger alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import migrations
from ledger import holderkey, times
from ledger.db import migrate
from ledger.db.codes import Card, Code
from ledger.db.draft import Accepted
from ledger.db.engine import WRITE, open_engine
from ledger.errors import Refused
from ledger.merkle import leaf_hash
from tests.stall import Stall, key_of, stall, urn


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def found(shop: Stall, token: str) -> Code:
    code = shop.ledger.codes.find(token)
    assert code is not None
    return code


def level(shop: Stall, token: str) -> str:
    return found(shop, token).level


def sell(shop: Stall, name: str, key: str | None, custody: str = "receipt") -> Accepted:
    """Sell an item, to the holder of a did:key if one is given."""
    details: dict[str, Any] = {"channel": "store"}
    if key is not None:
        details |= {"holder_key": key, "holder_custody": custody}
    return shop.accept(shop.draft("item.sold", urn(name), details))[0]


def transfer(shop: Stall, name: str, old: str, new: str, grant: str) -> Any:
    """The draft by which the holder with the key called ``old`` passes an item on."""
    details = {"holder_key": key_of(new).did, "holder_custody": "device"}
    subject = urn(name)
    return shop.draft("item.transferred", subject, details, by=old, also=key_of(new), party=subject, grant=grant)


def drawn(shop: Stall, *names: str, count: int = 1, kind: str = "card", custody: str = "receipt") -> list[Card]:
    groups = [[urn(name) for name in names]] * count
    return shop.ledger.codes.draw(groups, kind=kind, custody=custody, party=urn("shop"))


def test_codes(shop: Stall) -> None:
    codes = shop.ledger.codes
    token = codes.create(urn("a"), "view", party=urn("shop"))
    assert len(token) == 22
    one = found(shop, token)
    assert (one.subject, one.kind, one.level, one.party) == (urn("a"), "view", "view", urn("shop"))
    assert codes.of(urn("a")) == [one]
    assert codes.of(urn("b")) == []
    for unknown in ("", "x", token[:-1], token + "A", token[:-1] + "B", "A" * 22, "é" * 22):
        assert codes.find(unknown) is None
    assert codes.revoke(one.id)
    assert not codes.revoke(one.id)
    assert codes.find(token) is None
    assert [one.revoked_at is not None for one in codes.of(urn("a"))] == [True]
    assert level(shop, codes.create(urn("a"), "unheard")) == "public"
    assert [level(shop, codes.create(urn("a"), kind)) for kind in ("view", "gift", "card", "tag")] == ["view"] * 4


def test_older_codes_fall_at_a_sale_to_a_holder_a_transfer_and_a_return(shop: Stall) -> None:
    codes = shop.ledger.codes
    shop.accept(shop.register("ring"))
    tokens = [codes.create(urn("ring"), "tag")]
    sell(shop, "ring", None)
    assert [level(shop, token) for token in tokens] == ["view"], "a sale that names no holder takes nothing away"
    grant = leaf_hash(sell(shop, "ring", key_of("anna").did).entry).hex()
    tokens.append(codes.create(urn("ring"), "view"))
    assert [level(shop, token) for token in tokens] == ["public", "view"]
    claim = {"holder_key": key_of("phone").did, "holder_custody": "device"}
    shop.accept(
        shop.draft("item.claimed", urn("ring"), claim, by="anna", also=key_of("phone"), party=urn("ring"), grant=grant)
    )
    assert [level(shop, token) for token in tokens] == ["public", "view"], "a claim keeps the same holder"
    state = shop.ledger.reader.state(urn("ring"))
    assert state is not None
    assert state.held.holding is not None
    shop.accept(transfer(shop, "ring", "phone", "ben", state.held.holding.present.entry))
    tokens.append(codes.create(urn("ring"), "gift"))
    assert [level(shop, token) for token in tokens] == ["public", "public", "view"]
    shop.accept(shop.draft("return.completed", urn("ring"), {"reason": "fit", "condition": "new"}))
    tokens.append(codes.create(urn("ring"), "tag"))
    assert [level(shop, token) for token in tokens] == ["public", "public", "public", "view"]
    sell(shop, "ring", key_of("carla").did)
    assert [level(shop, token) for token in tokens] == ["public"] * 4
    assert [code.level for code in codes.of(urn("ring"))] == ["public"] * 4


def test_an_exchange_takes_the_old_items_codes_and_binds_the_new_ones_card(shop: Stall) -> None:
    shop.accept(shop.register("ring"), shop.register("other"))
    sell(shop, "ring", key_of("anna").did)
    old = shop.ledger.codes.create(urn("ring"), "view")
    (card,) = drawn(shop, "other")
    details = {"replacement": urn("other"), "reason": "size", "holder_key": card.keys[urn("other")]}
    details["holder_custody"] = "receipt"
    shop.accept(shop.draft("exchange.completed", urn("ring"), details, others=[urn("other")]))
    assert (level(shop, old), level(shop, card.token)) == ("public", "view")
    assert found(shop, card.token).subject == urn("other")


def test_a_reset_takes_older_codes_along_when_it_comes_into_force(shop: Stall) -> None:
    shop.accept(shop.register("ring"))
    sell(shop, "ring", key_of("anna").did)
    old = shop.ledger.codes.create(urn("ring"), "view")
    (card,) = drawn(shop, "ring", kind="view")
    reset = {"holder_key": card.keys[urn("ring")], "holder_custody": "receipt", "reason": "lost", "evidence": "id"}
    shop.accept(shop.draft("item.holder_reset", urn("ring"), reset))
    shop.clock.now += 72 * times.HOUR - times.SECOND
    assert (level(shop, old), level(shop, card.token)) == ("view", "public")
    shop.clock.now += times.SECOND
    assert (level(shop, old), level(shop, card.token)) == ("public", "view")


def test_the_code_of_a_case_opens_that_case_until_somebody_else_holds_the_item(shop: Stall) -> None:
    case = urn("case")
    shop.accept(shop.register("ring"))
    sell(shop, "ring", key_of("anna").did)
    with pytest.raises(Refused, match="not opened"):
        shop.ledger.codes.create(urn("ring"), "case", case=case)
    shop.accept(
        shop.draft("case.opened", urn("ring"), {"kind": "return", "channel": "store", "issue": "quality"}, case=case)
    )
    token = shop.ledger.codes.create(urn("ring"), "case", case=case)
    assert (found(shop, token).level, found(shop, token).case) == ("case", case)
    shop.accept(shop.draft("return.completed", urn("ring"), {"reason": "fit", "condition": "new"}, case=case))
    assert level(shop, token) == "case", "whoever gave it back still speaks in its cases"
    sell(shop, "ring", key_of("ben").did)
    assert level(shop, token) == "public"


def test_a_card_comes_into_use_with_the_sale_that_names_its_key_and_once(shop: Stall) -> None:
    codes = shop.ledger.codes
    shop.accept(shop.register("ring"), shop.register("watch"))
    one, other = drawn(shop, "ring", "watch", count=2)
    assert {one.token, other.token} != {one.token}
    assert [(code.level, code.subject) for code in codes.waiting(urn("shop"))] == [("unbound", "")] * 2
    assert codes.waiting(urn("rival")) == []
    for card in (one, other):
        assert (level(shop, card.token), found(shop, card.token).subject) == ("unbound", "")
        assert card.keys == {urn(n): holderkey.holder_key(card.secret, urn(n)).did for n in ("ring", "watch")}
    sell(shop, "watch", one.keys[urn("watch")])
    assert (level(shop, one.token), found(shop, one.token).subject) == ("view", urn("watch"))
    assert level(shop, other.token) == "unbound"
    assert [code.id for code in codes.waiting(urn("shop"))] == [other.id]
    assert ([code.id for code in codes.of(urn("watch"))], codes.of(urn("ring"))) == ([one.id], [])
    sell(shop, "ring", one.keys[urn("ring")])
    assert found(shop, one.token).subject == urn("watch"), "the first sale binds it, and no later one"
    assert codes.of(urn("ring")) == []
    again = shop.append(
        shop.draft(
            "item.sold",
            urn("watch"),
            {"channel": "store", "holder_key": one.keys[urn("watch")], "holder_custody": "receipt"},
        )
    )
    assert isinstance(again[0], Refused)
    assert (level(shop, one.token), level(shop, other.token)) == ("view", "unbound")


def test_a_card_for_one_item_is_listed_with_it_before_it_is_in_use(shop: Stall) -> None:
    (card,) = drawn(shop, "ring")
    assert [(code.id, code.level) for code in shop.ledger.codes.of(urn("ring"))] == [(card.id, "unbound")]
    assert shop.ledger.codes.revoke(card.id)
    assert shop.ledger.codes.find(card.token) is None
    known = shop.ledger.codes.drawn(card.keys[urn("ring")])
    assert known is not None
    assert (known.subject, known.custody, known.revoked) == (urn("ring"), "receipt", True)
    assert shop.ledger.codes.drawn(key_of("stranger").did) is None


def test_of_a_card_only_hashes_and_public_keys_are_kept(shop: Stall) -> None:
    (card,) = drawn(shop, "ring", custody="sealed")
    assert card.secret.hex() not in repr(card)
    secrets = [card.token, holderkey.format_code(card.secret), holderkey.format_typed(card.secret), card.secret.hex()]
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        for table in ("code", "owner_key"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert rows
            for row in rows:
                stored = " ".join(bytes(one).hex() if isinstance(one, bytes | memoryview) else str(one) for one in row)
                assert not any(secret in stored or secret.encode().hex() in stored for secret in secrets)
    engine.dispose()


def test_no_reader_is_ahead_of_a_transfer(shop: Stall) -> None:
    """Readers that ask for the level last never hold a state in which the item had passed to somebody else."""
    shop.accept(shop.register("ring"))
    grant = leaf_hash(sell(shop, "ring", key_of("anna").did).entry).hex()
    token = shop.ledger.codes.create(urn("ring"), "view")
    done, wrong, seen = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            entries = shop.ledger.reader.entries(urn("ring"))
            now = found(shop, token).level
            seen.append(now)
            if now == "view" and b"item.transferred" in entries[-1][1]:
                wrong.append(entries[-1])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    while "view" not in seen:
        pass
    shop.accept(transfer(shop, "ring", "anna", "ben", grant))
    assert level(shop, token) == "public", "once the transfer is answered, the code has fallen"
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_migrating_marks_the_codes_that_are_there(database_url: str, tmp_path: Path) -> None:
    """What a code opened before the step it opens after it, until the item changes hands."""
    with stall(database_url, tmp_path) as shop:
        shop.accept(shop.register("ring"), shop.register("held"))
        grant = leaf_hash(sell(shop, "held", key_of("anna").did).entry).hex()
        tokens = {name: shop.ledger.codes.create(urn(name), "view") for name in ("ring", "held")}
        shop.ledger.close()
        engine = open_engine(database_url)
        with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            connection.execute(text("DROP TABLE owner_key"))
            # Where a subject's state was then.
            octets = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
            connection.execute(text(f"ALTER TABLE subject ADD COLUMN state {octets}"))
            state = "SELECT s.state FROM subject_state s WHERE s.sid = subject.sid"
            connection.execute(text(f"UPDATE subject SET state = ({state})"))
            for column in ("mark", "of_case", "party"):
                connection.execute(text(f"ALTER TABLE code DROP COLUMN {column}"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__path__[0])))
            config.attributes["connection"] = connection
            command.upgrade(config, "0004")
            connection.execute(text("ALTER TABLE subject DROP COLUMN state"))
            # What later steps make is there already.
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": migrate.NEWEST})
        engine.dispose()
        shop.reopen()
        assert [level(shop, token) for token in tokens.values()] == ["view", "view"]
        shop.accept(transfer(shop, "held", "anna", "ben", grant))
        assert [level(shop, token) for token in tokens.values()] == ["view", "public"]
