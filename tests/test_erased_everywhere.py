"""One customer through everything that the service can do with her, and then erased: her bytes are nowhere.

Every table has a row before she is erased, so that one that comes later is looked at too. Looked for are the words of
what she gave in private, in any spelling that a file may have them in (``scanner.spellings``); and every address that
showed them is asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from api.notices.mail import Undelivered
from api.reporting import make_due
from ledger import times
from ledger.asking import Asking, sign_asking
from ledger.db import erase
from ledger.db.backup import back_up
from ledger.db.outbox_tables import metadata
from ledger.db.tables import find_private
from ledger.dsse import SigningKey
from tests import paper_reading, scanner
from tests.build import uuid
from tests.console import HTTPS, open_console, signed_in
from tests.files import jpeg
from tests.holding import Paper, claim, draw_paper, new_ring
from tests.shop import Party, Shop, segment
from tests.telling import MAIL, HandIn, Post, hook, tell
from tests.test_api_attachments import listed
from tests.test_api_worklists import STANDARD

CASE = uuid("her case")
CUSTOMER = {"name": "Zdenka Quixworth", "phone": "+1 202 555 0177", "email": "wizardly@quixworth.example"}
WORDS = ("Zdenka", "Quixworth", "2025550177", "202 555 0177", "wizardly", "javelin", "kumquat", "Zephyrlane",
         "918273.64", "flummoxed", "jabberwock", "vexillum")  # fmt: skip
PRINTED = "918,273.64"
COST = "564738.29"
"""What the repair has cost: sealed, and in clear in the report that counts it, until it is erased."""
SALE = {
    "customer": CUSTOMER,
    "price": {"amount": "918273.64", "currency": "EUR"},
    "order_no": "O-javelin-1",
    "receipt_no": "R-kumquat-2",
}
UNTOUCHED = {"signal", "tile", "tablet_key", "erasure", "erasure_part", "erasure_said"}
"""Tables without a row before: a signal counts what a reader read, a tile has hashes of 256 leaves, a tablet's key is
public, and nobody was erased yet."""
UNCOUNTED = "item_text"
"""The index of words, which answers searches alone."""


@dataclass
class Life:
    """The customer's ring, what it was claimed with, and every answer that may have shown something of hers."""

    shop: Shop
    jeweller: Party
    paper: Paper
    phone: SigningKey
    asked: list[Callable[[], Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def tell(self, kind: str, details: Any, private: Any, **more: Any) -> None:
        statement = self.shop.statement(self.jeweller, kind, self.paper.item, details, **more)
        body = {"statement": statement, "private": private, "person": uuid("whom the shop calls so")}
        (would,) = self.shop.post("/v1/check", body, self.jeweller).json()["results"]
        assert would["would"] == "accept", would
        answer = self.shop.post("/v1/statements", body, self.jeweller)
        assert answer.status_code == 201, answer.text
        self.said.append(statement["id"])

    def look(self, ask: Callable[[], Any]) -> Any:
        """Ask now, and again once she is erased."""
        self.asked.append(ask)
        return ask()

    def get(self, path: str, who: Party | None = None) -> Any:
        answer = self.look(lambda: self.shop.get(path.removeprefix(HTTPS), who))
        assert answer.status_code == 200, (path, answer.text)
        return answer

    def history(self) -> Any:
        """As the holder asks for it."""
        state = self.shop.ledger.reader.state(self.paper.item)
        assert state is not None
        held = state.held.at(times.format_recorded(self.shop.clock())).holding
        assert held is not None
        now = times.format_recorded(self.shop.clock())
        asking = Asking(self.shop.ledger.id, self.paper.item, held.present.entry, now)
        return self.shop.post(f"/i/{self.paper.token}/history", sign_asking(asking, self.phone))


def begin(shop: Shop) -> Life:
    """She buys a ring, claims it, and brings it back to be repaired."""
    jeweller = shop.party("jeweller", "retailer", "repairer")
    hook(shop, jeweller, "*", gateway="without_email")
    shop.say(jeweller, "standard.adopted", jeweller.id, STANDARD)
    tell(shop)
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    life = Life(shop, jeweller, paper, paper.key)
    photo = {**listed(shop, jeweller, jpeg()), "name": "vexillum.jpg"}
    sold = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    life.tell("item.sold", sold, {**SALE, "attachments": [photo]})
    life.phone = claim(shop, paper)
    life.tell("item.delivered", {"method": "courier", "state": "whole"}, {"tracking": "TR-jabberwock"})
    opened = {"kind": "repair", "channel": "store", "issue": "quality", "job_no": "J-1"}
    life.tell("case.opened", opened, {"customer": CUSTOMER, "description": "flummoxed by a claw"}, case=CASE)
    shop.clock.pass_hours(2)
    life.tell("case.received", {"evidence": {"weight": "3.42 g"}, "condition": []}, {"note": "Zephyrlane"}, case=CASE)
    life.tell("item.installed", {"checks": ["fits"]}, {"place": "4 Zephyrlane"})
    life.tell("maintenance.performed", {"work": ["clean"], "next_due": "2026-08-01"}, {"note": "javelin"})
    return life


def told(life: Life) -> str:
    """By mail that is refused at first, by a gateway, and until she wants no more; the link to her case."""
    post, hand_in = Post(), HandIn(errors=[Undelivered("SMTP 451"), Undelivered("SMTP 550", for_good=True)])
    tell(life.shop, post, hand_in)
    life.shop.clock.pass_hours(1)
    tell(life.shop, post, hand_in)
    only = {"phone": CUSTOMER["phone"]}
    opened = {"kind": "consultation", "channel": "phone", "issue": "other"}
    life.tell("case.opened", opened, {"customer": only}, case=uuid("by telephone"))
    tell(life.shop, post, hand_in)
    (message,) = hand_in.messages
    assert message["To"] == CUSTOMER["email"]
    (due,) = [body for _, body, _, _ in post.calls if body["type"] == "notice.due"]
    assert due["data"]["to"] == {"phone": "+12025550177"}
    others = [raw for _, body, _, raw in post.calls if body["type"] != "notice.due"]
    assert others, "the shop's webhook hears of every statement"
    assert shown(*(raw.decode() for raw in others)) == []
    stop = str(message["List-Unsubscribe"]).strip("<>").removeprefix(HTTPS)
    assert life.shop.client.post(stop).status_code == 200
    return str(due["data"]["link"])


def used(life: Life, case_page: str) -> None:
    """Everything that shows, prints, counts, lists, finds or copies."""
    shop, jeweller, item = life.shop, life.jeweller, segment(life.paper.item)
    life.get(f"/v1/items/{item}/history", jeweller)
    life.get(f"/v1/items/{item}", jeweller)
    for statement in life.said:
        life.get(f"/v1/statements/{segment(statement)}", jeweller)
    life.get(f"/i/{life.paper.token}")
    life.get(f"/i/{life.paper.token}/history")
    life.get(case_page)
    life.get(f"{case_page}/history")
    assert life.look(life.history).status_code == 200
    body = {"kind": "sale", "items": [life.paper.item]}
    receipt = life.look(lambda: shop.post("/v1/receipts?format=pdf&lang=en", body, jeweller))
    assert PRINTED in said(receipt)
    life.get(f"{receipt.headers['location']}/paper?format=pdf", None)
    drawn = shop.post(f"/v1/items/{item}/codes?format=pdf", {"kind": "owner"}, jeweller)
    assert drawn.status_code == 201, drawn.text
    assert life.look(lambda: shop.post("/v1/find", {"email": CUSTOMER["email"]}, jeweller)).json()["found"]
    for path in ("/v1/items?q=quixworth", "/v1/cases", "/v1/cases?job_no=J-1", f"/v1/cases/{segment(CASE)}",
                 "/v1/maintenance?until=2027-01-01", "/v1/readings", "/v1/signals", "/v1/risks", "/v1/notices",
                 f"/v1/items/{item}/codes", f"/v1/items/{item}/responsibility"):  # fmt: skip
        life.get(path, jeweller)
    owner = signed_in(shop, jeweller.id, "owner")
    for kind in ("reports", "report-schedules"):
        more = {"every": "month", "role": "owner"} if kind == "report-schedules" else {"period": "2026"}
        assert owner.post(f"/v1/{kind}", {"by": ["staff"], **more}).status_code in {201, 202}
    assert make_due(shop.ledger, workers=0) == 1
    (made,) = shop.get("/v1/reports", jeweller).json()["reports"]
    for form in ("json", "csv", "svg", "xlsx"):
        life.get(f"/v1/reports/{made['id']}?format={form}", jeweller)
    life.tell("repair.completed", {"work": ["solder"], "tests": []}, {"cost": COST}, case=CASE)
    assert owner.post("/v1/reports", {"period": "2026", "costs": True}).status_code == 202
    assert make_due(shop.ledger, workers=0) == 1
    (costed,) = [one for one in shop.get("/v1/reports", jeweller).json()["reports"] if one["costs"]]
    assert COST in life.get(f"/v1/reports/{costed['id']}?format=json", jeweller).text
    shop.party("lab", "auditor")
    grant = {"auditor": uuid("lab"), "until": "2026-12-01", "members": ["price"]}
    mail = {"email": "office@jeweller.example"}
    for path, wanted in (("/v1/devices", {"label": "Bench"}), ("/v1/grants", grant), ("/v1/addresses", mail)):
        assert owner.post(path, wanted).status_code == 201


def said(answer: Any) -> str:
    """What an answer says; a PDF by its text."""
    if answer.headers.get("content-type") == "application/pdf":
        return paper_reading.text(answer.content)
    return str(answer.text)


def shown(*texts: str) -> list[str]:
    return [word for word in (*WORDS, PRINTED) for text in texts if word.lower() in text.lower()]


def empty(shop: Shop) -> set[str]:
    """The tables without a row."""
    with shop.ledger._engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(table)).scalar()
            for name, table in metadata.tables.items()
            if name != UNCOUNTED
        }
    return {name for name, count in counts.items() if not count}


def test_whoever_was_erased_is_in_no_file_and_no_answer(
    tmp_path: Path, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shelf = tmp_path_factory.mktemp("shelf")
    with open_console(tmp_path, database_url, mail=MAIL) as shop:
        life = begin(shop)
        used(life, told(life))
        shop.ledger.risks.flush()
        shop.ledger.readings.flush()
        answers = [ask() for ask in life.asked]
        assert {answer.status_code for answer in answers} <= {200, 201}
        assert set(shown(*map(said, answers))) >= {"Zdenka", PRINTED}, "else nothing is tested"
        assert scanner.find_spelt(shop.ledger, WORDS) == [], "sealed from the first moment on"
        assert scanner.find_spelt(shop.ledger, ["jewellery"]), "what stands in clear is found"
        assert empty(shop) - UNTOUCHED == set(), "what is kept there is not looked at"
        hashes = [row.hash for row in _rows(shop)]
        back_up(shop.ledger, shelf)
        everything = {"statements": life.said, "why": "authority"}
        answer = shop.post("/v1/erasures", everything, shop.operator)
        assert answer.status_code == 201, answer.text
        assert erase.work(shop.ledger, shop.clock(), grace=0)
        after = [said(ask()) for ask in life.asked]
        assert (shown(*after), [text for text in after if COST in text]) == ([], [])
        assert scanner.find_spelt(shop.ledger, [*WORDS, COST]) == []
        gone = {"sealed", "seal_key", "file_key", "pseudonym", "find_private", "report_costed", "report_rests"}
        assert empty(shop) >= gone
        assert scanner.find(shop.ledger, hashes) == [], "with the key of the chain, a telephone number can be tried out"
        for index in range(shop.size()):
            leaf = shop.ledger.reader.leaf(index)
            assert leaf is not None
            assert shown(leaf.decode()) == []
    for path in shelf.iterdir():
        raw = path.read_bytes()
        assert not [one for one in hashes if one in raw], f"{path.name} has what a telephone number can be tried out on"
        assert COST.encode() not in raw, f"{path.name} has a report with costs"


def _rows(shop: Shop) -> list[Any]:
    with shop.ledger._engine.connect() as connection:
        return list(connection.execute(select(find_private)))
