"""A ring with private members of every audience, and everybody who might read them: for tests of who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.pages.item_page import verify
from ledger import times
from ledger.asking import Asking, sign_asking
from ledger.dsse import SigningKey
from ledger.merkle import leaf_hash
from tests.build import key, uuid
from tests.console import signed_in
from tests.holding import Paper, claim, draw_paper, new_ring, speak
from tests.shop import Party, Shop, segment

PRICE = {"amount": "1234.56", "currency": "EUR"}
CUSTOMER = {"name": "Ada Example", "phone": "+1 555 0100"}
SALE = {"price": PRICE, "customer": CUSTOMER, "order_no": "O-9031", "receipt_no": "R-77123", "note": "likes old gold"}
QUOTE = {"amount": {"amount": "85.40", "currency": "EUR"}, "lines": ["re-tip claws"], "up_to": "99.10"}
CASE, OTHER = uuid("the case"), uuid("another case")
GRANTED = ("price", "description", "cost")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
Seen = dict[str, dict[str, Any]]


@dataclass
class Ring:
    """The ring, its paper and the phone it was claimed with; ``said`` are its statements' ids by what they are."""

    shop: Shop
    paper: Paper
    phone: SigningKey
    said: dict[str, str]
    first: str

    @property
    def item(self) -> str:
        return self.paper.item

    def told(self, label: str, who: str, kind: str, details: dict[str, Any], private: Any, **more: Any) -> None:
        """Something said by a party with private members."""
        party = self.shop.parties[who]
        statement = self.shop.statement(party, kind, self.item, details, **more)
        body = {"statement": statement, "private": private}
        answer = self.shop.post("/v1/statements", body, party)
        assert answer.status_code == 201, answer.text
        self.said[statement["id"]] = label
        if label == "sale":
            self.first = leaf_hash(answer.json()["entry"].encode()).hex()

    def code(self, kind: str, case: str | None = None, who: str = "jeweller") -> str:
        body = {"kind": kind} | ({} if case is None else {"case": case})
        made = self.shop.post(f"/v1/items/{segment(self.item)}/codes", body, self.shop.parties[who])
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def asking(self, grant: str, by: SigningKey, **other: str) -> dict[str, Any]:
        """An asking as a holder sends it; ``other`` replaces what it asks for."""
        asked = {"ledger": self.shop.ledger.id, "subject": self.item, "grant": grant}
        asked |= {"at": times.format_recorded(self.shop.clock())} | other
        return sign_asking(Asking(**asked), by)

    def grant(self) -> str:
        """The grant in force, as the ledger has it."""
        state = self.shop.ledger.reader.state(self.item)
        assert state is not None
        held = state.held.at(times.format_recorded(self.shop.clock())).holding
        assert held is not None
        return held.present.entry

    def opens(self, answer: Any) -> Seen | int:
        """The private members of a history that verifies, by what they are of; the status of a refusal."""
        if answer.status_code != 200:
            return int(answer.status_code)
        found = verify(answer.content, self.item, self.shop.ledger.vkeys, self.shop.clock()).disclosed
        return {self.said[statement]: dict(members) for statement, members in found.items()}


def open_ring(shop: Shop) -> Ring:
    """A ring with an earlier time, a sale, a claim and two cases, one of them handed to a workshop."""
    for name, roles, parent in (
        ("chain", ["retailer"], None),
        ("jeweller", ["retailer", "repairer"], "chain"),
        ("bench", ["repairer"], None),
        ("stranger", ["retailer", "repairer"], None),
        ("granted", ["auditor"], None),
        ("ungranted", ["auditor"], None),
    ):
        body = {"name": name, "roles": roles, "id": uuid(name)} | ({"parent": uuid(parent)} if parent else {})
        assert shop.post("/v1/parties", body, shop.operator).status_code == 201
        shop.parties[name] = Party(uuid(name), shop.api_key(uuid(name), "write"))
    jeweller = shop.parties["jeweller"]
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    ring = Ring(shop, paper, key("nobody yet"), {}, "")
    ring.told("earlier", "jeweller", "maintenance.performed", {"work": ["polish"]}, {"note": "of an earlier time"})
    held = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    ring.told("sale", "jeweller", "item.sold", held, SALE)
    ring.phone = claim(shop, paper)
    delivered = {"method": "courier", "state": "whole"}
    ring.told("delivered", "jeweller", "item.delivered", delivered, {"tracking": "TRACK-5512"})
    ring.told("installed", "jeweller", "item.installed", {"checks": ["fits"]}, {"place": "1 Example Street"})
    case = {"description": "a claw is bent", "customer": CUSTOMER}
    ring.told("opened", "jeweller", "case.opened", OPENED, case, case=CASE)
    shop.say(jeweller, "case.assigned", ring.item, {"to": uuid("bench")}, case=CASE)
    _let_in(shop, ring, "bench")
    ring.told("other", "jeweller", "case.opened", OPENED, {"description": "of another case"}, case=OTHER)
    manager = signed_in(shop, jeweller.id, "manager")
    body = {"auditor": uuid("granted"), "until": "2026-06-01", "members": list(GRANTED)}
    assert manager.post("/v1/grants", body).status_code == 201
    return ring


def _let_in(shop: Shop, ring: Ring, who: str) -> None:
    """The workshop writes by a view code of the item, which the jeweller sent with it."""
    token, party = ring.code("view"), shop.parties[who]
    for label, kind, details, private in (
        ("quoted", "case.quoted", {"free": False}, QUOTE),
        ("work", "repair.completed", {"work": ["claw"], "tests": []}, {"cost": "31.70", "note": "claw was worn"}),
    ):
        statement = shop.statement(party, kind, ring.item, details, case=CASE)
        body = {"statement": statement, "private": private}
        answer = shop.post("/v1/statements", body, party, **{"Patina-Code": token})
        assert answer.status_code == 201, answer.text
        ring.said[statement["id"]] = label


def unclaimed(shop: Shop) -> Ring:
    """Another ring of the same shop, sold with the same private members, whose paper still speaks for its holder."""
    jeweller = shop.parties["jeweller"]
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    ring = Ring(shop, paper, paper.key, {}, "")
    held = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    ring.told("sale", "jeweller", "item.sold", held, SALE)
    return ring


def pass_on(ring: Ring) -> tuple[SigningKey, str]:
    """The phone gives the ring to the next holder: her key, and the view code of her own page."""
    new = key("next holder of " + ring.item)
    answer = speak(ring.shop, ring.paper, "item.transferred", ring.phone, also=new)
    assert answer.status_code == 201, answer.text
    return new, str(answer.json()["code"]["token"])
