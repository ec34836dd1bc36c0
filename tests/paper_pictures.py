"""The pictures of papers in docs/pictures, made anew: ``python -m tests.paper_pictures FOLDER``.

A shop of its own sells, takes in and certifies a ring; each paper is asked for as a till would, and kept as a PNG.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from ledger import holderkey
from tests.build import uuid
from tests.holding import Paper, draw_paper
from tests.shop import Party, Shop, open_shop, segment

OPENED = {
    "kind": "repair",
    "channel": "store",
    "issue": "quality",
    "fault": "loose stone",
    "job_no": "R-2026-0042",
    "promised": "2026-05-20T18:00:00+08:00",
}


def main(folder: Path) -> None:
    """Make every picture, and print how long a till waits for a receipt."""
    with tempfile.TemporaryDirectory() as place, open_shop(Path(place)) as shop:
        jeweller = shop.party("晨光珠寶 Morning Light", "retailer", "repairer")
        lab = shop.party("Hill Laboratory", "certifier")
        one = sold(shop, jeweller)
        items = [{"item": one.item, "owner_code": holderkey.format_code(one.secret)}]
        keep(shop, jeweller, folder / "paper-sale-58mm.png", "58mm&lang=en", items)
        keep(shop, jeweller, folder / "paper-sale-80mm.png", "80mm&lang=zh-Hant", [one.item])
        keep(shop, jeweller, folder / "paper-gift-58mm.png", "58mm&lang=zh-Hans", [one.item])
        case, certificate, done = served(shop, jeweller, lab, one)
        items = [{"item": one.item, "case": case}]
        keep(shop, jeweller, folder / "paper-intake-80mm.png", "80mm&lang=zh-Hant", items)
        path = f"/i/{one.token}/papers/"
        fetch(
            shop, folder / "paper-certificate-a6.png", f"{path}{segment(certificate)}?medium=a6&format=png&lang=zh-Hant"
        )
        fetch(shop, folder / "paper-report-a4.png", f"{path}{segment(done)}?medium=a4&format=png&lang=en")
        codes = f"/v1/items/{segment(one.item)}/codes?format=png"
        answer = shop.post(f"{codes}&medium=label&lang=zh-Hant", {"kind": "tag"}, jeweller)
        (folder / "paper-label.png").write_bytes(answer.content)
        answer = shop.post("/v1/codes?format=png&lang=zh-Hans", {"count": 1}, jeweller)
        (folder / "paper-card.png").write_bytes(answer.content)
        measure(shop, jeweller, one)


def sold(shop: Shop, jeweller: Party) -> Paper:
    """A ring that was sold for a price."""
    shop.count += 1
    about = {"gtin": "9520123456788", "serial": "H/26", "name": "翡翠戒指 Jade ring", "category": "jewellery"}
    made = shop.post("/v1/items", about, jeweller)
    paper = draw_paper(shop, jeweller, str(made.json()["id"]))
    details = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt", "warranty_months": 24}
    statement = shop.statement(jeweller, "item.sold", paper.item, details)
    private = {"price": {"amount": "12800", "currency": "TWD"}}
    assert shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller).status_code == 201
    return paper


def served(shop: Shop, jeweller: Party, lab: Party, one: Paper) -> tuple[str, str, str]:
    """A repair and a certificate of the ring: the case, the certificate's statement and the repair's."""
    case = uuid("a repair for the pictures")
    shop.say(jeweller, "case.opened", one.item, OPENED, case=case)
    got = {"evidence": {"weight_g": "3.52"}, "condition": ["戒臂有刮痕", "one stone loose"]}
    shop.say(jeweller, "case.received", one.item, got, case=case)
    work = {"work": ["重新鑲嵌 stone reset"], "tests": [{"name": "pull", "result": "pass"}], "warranty_days": 365}
    done = shop.say(jeweller, "repair.completed", one.item, work, case=case)
    said = {
        "certificate_no": "HL-2026-17",
        "result": "authentic",
        "methods": ["loupe", "FTIR"],
        "grades": {"color": "A"},
    }
    statement = shop.statement(lab, "authentication.certified", one.item, said)
    headers = {"Patina-Code": one.token}
    assert shop.post("/v1/statements", {"statement": statement}, lab, **headers).status_code == 201
    return case, str(statement["id"]), str(done["id"])


def keep(shop: Shop, jeweller: Party, path: Path, wish: str, items: Any) -> None:
    """The picture of a receipt or a slip, whose kind is in the picture's name."""
    body = {"kind": path.name.split("-")[1], "items": items}
    answer = shop.post(f"/v1/receipts?format=png&medium={wish}", body, jeweller)
    assert answer.status_code == 201, answer.text
    path.write_bytes(answer.content)


def fetch(shop: Shop, path: Path, address: str) -> None:
    """The picture of a record."""
    answer = shop.get(address)
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)


def measure(shop: Shop, jeweller: Party, one: Paper) -> None:
    """How long a till waits for each kind of paper, the median and the longest of 21, new code and all."""
    for wish in ("escpos&medium=58mm", "escpos&medium=80mm", "pdf&medium=80mm", "png&medium=80mm", "svg&medium=80mm",
                 "pdf&medium=a4", "png&medium=a4"):  # fmt: skip
        took, size = [], 0
        for _ in range(21):
            began = time.perf_counter()
            body = {"kind": "sale", "items": [one.item]}
            answer = shop.post(f"/v1/receipts?format={wish}", body, jeweller)
            took.append(time.perf_counter() - began)
            size = len(answer.content)
        sys.stdout.write(f"{wish}: {1000 * median(took):.0f} ms, {1000 * max(took):.0f} ms, {size} B\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
