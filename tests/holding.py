"""Holders in tests of the interface: a sold ring, its two codes, and statements signed by the keys that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from ledger import holderkey
from ledger.dsse import SigningKey
from ledger.merkle import leaf_hash
from tests.build import key
from tests.shop import Party, Shop, open_shop, segment, signed


@contextmanager
def shop_on(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shop]:
    """A shop of a module's own with two parties, on the database that the fixture's parameter names."""
    url = None
    if request.param == "postgresql":
        server, name = request.getfixturevalue("postgres_server"), f"h{uuid4().hex}"
        tables = request.getfixturevalue("postgres_tables")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {tables}".encode())
        url = server.replace("/postgres?", f"/{name}?").replace("postgresql:", "postgresql+psycopg:")
    with open_shop(folder, url) as opened:
        opened.party("jeweller", "retailer", "repairer")
        opened.party("rival", "retailer")
        yield opened


@dataclass
class Paper:
    """What the shop printed: the view code's token and the owner's secret."""

    item: str
    token: str
    secret: bytes

    @property
    def key(self) -> SigningKey:
        """The key of the owner code for its item, as a phone derives it."""
        return holderkey.holder_key(self.secret, self.item)


def new_ring(shop: Shop, jeweller: Party) -> str:
    """A registered item that no other test has."""
    shop.count += 1
    about = {"gtin": "9520123456788", "serial": f"H/{shop.count}", "name": "Ring", "category": "jewellery"}
    made = shop.post("/v1/items", about, jeweller)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def draw_paper(shop: Shop, jeweller: Party, item: str) -> Paper:
    """An owner code for an item, with the view code of the same paper."""
    made = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "owner"}, jeweller)
    assert made.status_code == 201, made.text
    drawn = made.json()
    return Paper(item, drawn["token"], holderkey.parse_owner_code(drawn["owner"]["code"]))


def sell(shop: Shop, jeweller: Party, paper: Paper, **more: Any) -> Any:
    """Sell an item with a paper; the receipt."""
    details = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt", **more}
    return shop.say(jeweller, "item.sold", paper.item, details)


def sold_ring(shop: Shop, jeweller: Party) -> Paper:
    """A ring of each test's own, sold with its paper."""
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    sell(shop, jeweller, paper)
    return paper


def sold_to_key(shop: Shop, jeweller: Party, custody: str) -> tuple[Paper, SigningKey]:
    """A ring that was sold to a key of its own, kept in this way, and that key."""
    item = new_ring(shop, jeweller)
    own = key("holder of " + item)
    shop.say(jeweller, "item.sold", item, {"channel": "store", "holder_key": own.did, "holder_custody": custody})
    return Paper(item, shop.code(jeweller, item), b""), own


def grant_of(shop: Shop, paper: Paper, by: SigningKey) -> str:
    """The grant of a key of the present holder's, as the page's JSON gives it."""
    shown = shop.get(f"/i/{paper.token}", accept="application/json").json()
    return next(str(one["grant"]) for one in shown["holder"]["grants"] if one["key"] == by.did)


def spoken(shop: Shop, paper: Paper, kind: str, by: SigningKey, details: Any = None, **more: Any) -> dict[str, Any]:
    """A holder's statement with its signatures; ``also`` is a new key that signs too, ``grant`` saves asking."""
    also = more.pop("also", None)
    if also is not None:
        details = {"holder_key": also.did, "holder_custody": more.pop("custody", "device"), **(details or {})}
    grant = more.pop("grant", None) or grant_of(shop, paper, by)
    holder = Party(paper.item, "")
    statement = shop.statement(holder, kind, paper.item, details or {}, grant=grant, **more)
    return signed(statement, by, *([also] if also else []))


def speak(shop: Shop, paper: Paper, kind: str, by: SigningKey, details: Any = None, **more: Any) -> Any:
    """The answer to a holder's statement."""
    token = more.pop("token", paper.token)
    return shop.post(f"/i/{token}/statements", spoken(shop, paper, kind, by, details, **more))


def claim(shop: Shop, paper: Paper, phone: str = "phone") -> SigningKey:
    """Claim with the paper for a key made on a phone; that key."""
    device = key(f"{phone} of {paper.item}")
    answer = speak(shop, paper, "item.claimed", paper.key, also=device)
    assert answer.status_code == 201, answer.text
    return device


def grant_in(answer: Any) -> str:
    """The leaf hash of the entry that an answer's receipt is of."""
    return leaf_hash(answer.json()["receipt"]["entry"].encode()).hex()


def shown(shop: Shop, paper: Paper, token: str | None = None) -> dict[str, Any]:
    answer = shop.get(f"/i/{token or paper.token}", accept="application/json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(shop: Shop, answer: Any, size: int, status: int, *words: str) -> dict[str, Any]:
    """The problem document of a refusal that changed nothing."""
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(word in problem["detail"] for word in words), problem["detail"]
    assert shop.size() == size
    return dict(problem)


def pass_hours(shop: Shop, hours: float) -> None:
    """Let time pass; the operator says that the clock is right."""
    shop.clock.pass_hours(hours)
    shop.ledger.writer.accept_clock = True
    shop.ledger.writer.seal(force=True)
