r"""Four cases from Python: a repair under warranty, an exchange, a complaint, a certificate that is revoked.

    make run                                   # in another terminal; or: patina serve --dir var
    PATINA_API_KEY=pk_… .venv/bin/python examples/python/cases.py --url http://127.0.0.1:8000

Wants the operator's API key (`patina demo` prints it), because it registers a shop and a laboratory of its own, whose
keys it leaves in the ledger's custody. The customer's key is made here and is nobody else's: what the customer says
is signed with it, and the shop only carries it to the ledger. Standard library and Patina's core only.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from ledger.dsse import SigningKey, sign_statement
from ledger.leaf import statement_bytes, statement_from

EVIDENCE = {"weight_g": "3.62", "stones": 1, "hallmark": "Au750"}
RING = {"name": "Solitaire ring", "category": "jewellery", "materials": ["Au750", "diamond"], "origin": "manufactured"}


class RefusedError(Exception):
    """What the ledger does not take; ``may_follow`` is what it would take instead."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.may_follow: list[str] = problem.get("may_follow", [])


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7), which begins with the time: ids that come one after another lie beside each other."""
    at = time.time_ns() // 1_000_000
    return uuid.UUID(int=at << 80 | 7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)).urn


@dataclass
class Party:
    """Somebody who speaks: an id, and the API key of its own service."""

    id: str
    api_key: str


@dataclass
class Site:
    """A ledger behind its address. ``ledger`` is the hash of its entry 0, which every signed statement names."""

    url: str
    operator: str
    ledger: str = field(default="", init=False)

    def call(self, path: str, body: Any = None, key: str = "", **headers: str) -> Any:
        """The JSON of an answer; raises ``RefusedError`` for a conflict, and ends the program for anything else."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {key or self.operator}", **headers}
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=raw, headers=sent)  # noqa: S310 -- the caller's own
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if error.code == 409:
                raise RefusedError(problem) from None
            sys.exit(f"{path}: {problem['detail']}")
        except urllib.error.URLError as error:
            sys.exit(f"no answer from {self.url}: {error.reason}")

    def party(self, name: str, *roles: str) -> Party:
        """Register a party with a key in the ledger's custody."""
        made = self.call("/v1/parties", {"name": name, "roles": roles})
        key = self.call("/v1/keys", {"kind": "api", "party": made["id"], "scopes": ["write"]})
        self.ledger = json.loads(made["receipts"][0]["entry"])["statement"]["ledger"]
        return Party(made["id"], key["api_key"])

    def say(self, party: Party, kind: str, subject: str, details: dict[str, Any], **more: Any) -> Any:
        """Post a statement, which the service signs with the party's key in its custody; the receipt of it."""
        headers = {"Patina-Code": more.pop("code")} if "code" in more else {}
        statement = {"type": kind, "subjects": [subject], "party": party.id, "details": details, **more}
        return self.call("/v1/statements", {"statement": statement}, party.api_key, **headers)

    def case(self, case: str, party: Party) -> Any:
        """How a case stands."""
        return self.call(f"/v1/cases/{quote(case, safe='')}", key=party.api_key)


class Customer:
    """Whoever bought an item: a key made on her own device, and the entry that made it the holder's."""

    def __init__(self, site: Site, shop: Party, item: str) -> None:
        """Buy an item: the sale names the key."""
        self.site, self.shop, self.item = site, shop, item
        self.key = SigningKey.from_seed(secrets.token_bytes(32))
        sale = {"channel": "store", "warranty_months": 24, "holder_key": self.key.did, "holder_custody": "device"}
        sold = site.say(shop, "item.sold", item, sale)
        self.grant = sha256(b"\0" + sold["entry"].encode()).hexdigest()

    def say(self, kind: str, details: dict[str, Any], case: str) -> None:
        """Sign a statement as the item's holder; the shop's service carries it."""
        statement = {
            "id": new_id(),
            "ledger": self.site.ledger,
            "type": kind,
            "subjects": [self.item],
            "party": self.item,
            "grant": self.grant,
            "occurred_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "details": details,
            "case": case,
        }
        signature = sign_statement(statement_bytes(statement_from(statement)), self.key)
        self.site.call("/v1/statements", {"statement": statement, "signatures": [signature]}, self.shop.api_key)


def refused(site: Site, party: Party, kind: str, subject: str, details: dict[str, Any], **more: Any) -> None:
    """Say what the ledger must refuse, and print why and what may follow."""
    try:
        site.say(party, kind, subject, details, **more)
    except RefusedError as error:
        print(f"   {kind} is refused: {error}; may follow: {', '.join(error.may_follow)}")
    else:
        sys.exit(f"{kind} was accepted")


def repair_under_warranty(site: Site, shop: Party) -> None:
    """A customer's claim, the work, and her rating."""
    ring = site.call("/v1/items", RING, shop.api_key)["id"]
    customer, case = Customer(site, shop, ring), uuid.uuid4().urn
    opened = {"kind": "repair", "channel": "web", "issue": "quality", "mode": "in_store", "warranty_claim": True}
    customer.say("case.opened", opened, case)
    over = {"check": "id", "evidence": EVIDENCE}
    refused(site, shop, "case.handed_over", ring, over, case=case)
    diagnosed = {"findings": "one prong is bent", "responsible": "manufacturer", "in_warranty": True}
    site.say(shop, "case.received", ring, {"evidence": EVIDENCE}, case=case)
    site.say(shop, "case.diagnosed", ring, diagnosed, case=case)
    site.say(shop, "case.quoted", ring, {"free": True}, case=case)
    customer.say("case.approved", {"free": True}, case)
    work = {"work": ["re-tip prong"], "tests": [{"name": "stone tight", "result": "pass"}], "agents": ["b07"]}
    site.say(shop, "repair.completed", ring, work, case=case)
    site.say(shop, "case.handed_over", ring, over, case=case)
    customer.say("case.evaluated", {"overall": 5, "quality": 5}, case)
    site.say(shop, "case.closed", ring, {"outcome": "resolved"}, case=case)
    refused(site, shop, "repair.started", ring, {"work": ["polish"], "tests": []}, case=case)
    found = site.case(case, shop)
    print(f"   status {found['status']}, rated {found['evaluation']['counted']['overall']} by a key on a "
          f"{found['evaluation']['key_custody']}, {len(found['identity'])} differences in identity")  # fmt: skip
    chain = site.call(f"/v1/items/{quote(ring, safe='')}/responsibility", key=shop.api_key)
    roles = ", ".join(dict.fromkeys(link["role"] for link in chain["links"]))
    print(f"   answers for it: {roles}; found responsible: {chain['found'][0]['responsible']}")


def exchange(site: Site, shop: Party) -> None:
    """A table that came damaged is exchanged for another."""
    about = {"name": "Oak table", "category": "furniture"}
    broken, whole = (site.call("/v1/items", about, shop.api_key)["id"] for _ in range(2))
    site.say(shop, "item.sold", broken, {"channel": "web"})
    case = uuid.uuid4().urn
    opened = {"kind": "exchange", "channel": "phone", "issue": "transport"}
    site.say(shop, "case.opened", broken, opened, case=case)
    site.say(shop, "case.decided", broken, {"decision": "accepted", "remedy": "exchange"}, case=case)
    site.say(shop, "case.received", broken, {"evidence": {"label": "T-1"}}, case=case)
    swapped = {"replacement": whole, "reason": "damaged_in_transport"}
    site.say(shop, "exchange.completed", broken, swapped, case=case, subjects=[broken, whole])
    refused(site, shop, "repair.started", broken, {"work": ["glue"], "tests": []}, case=case)
    site.say(shop, "case.closed", broken, {"outcome": "resolved"}, case=case)
    found = site.case(case, shop)
    print(
        f"   status {found['status']}, the old table is with {'the shop' if found['custody']['in_hand'] else 'nobody'}"
    )


def complaint(site: Site, shop: Party, operator: Party) -> None:
    """Somebody complains without a name and without an item; the operator records it, and never the shop."""
    case = uuid.uuid4().urn
    both = {"case": case, "subjects": [case, shop.id]}
    opened = {"kind": "complaint", "channel": "web", "issue": "attitude"}
    site.say(operator, "case.opened", case, opened, **both)
    site.say(shop, "case.responded", case, {"plan": "we look into it today"}, **both)
    site.say(shop, "case.decided", case, {"decision": "accepted", "remedy": "apology"}, **both)
    site.say(shop, "case.closed", case, {"outcome": "resolved"}, **both)
    found = site.case(case, shop)
    print(f"   status {found['status']}, {'unverified' if found['unverified'] else 'verified'}")


def certificate(site: Site, shop: Party, laboratory: Party) -> None:
    """A laboratory certifies a ring and takes it back; the shop's view code lets it write about the ring."""
    made = site.call("/v1/items", RING, shop.api_key)
    ring, code = made["id"], made["token"]
    certified = {"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"]}
    site.say(laboratory, "authentication.certified", ring, certified, code=code)
    path = f"/v1/items/{quote(ring, safe='')}"
    before = site.call(path, key=shop.api_key)["certificates"]
    revoked = {"certificate_no": "L-1", "reason": "treatment_found"}
    site.say(laboratory, "authentication.revoked", ring, revoked, code=code)
    after = site.call(path, key=shop.api_key)["certificates"]
    print(f"   certificates that stand: {len(before)} before, {len(after)} after; both records stay in the history")


def main() -> None:
    """Run the four."""
    words = argparse.ArgumentParser(description="Four cases, from the first word to the last.")
    words.add_argument("--url", default="http://127.0.0.1:8000")
    given = words.parse_args()
    key = os.environ.get("PATINA_API_KEY")
    if not key:
        sys.exit("want the operator's API key in PATINA_API_KEY")
    site = Site(given.url, key)
    name = secrets.token_hex(3)
    shop = site.party(f"Shop {name}", "manufacturer", "retailer", "repairer")
    laboratory = site.party(f"Laboratory {name}", "certifier")
    operator = next(one["id"] for one in site.call("/v1/parties")["parties"] if "operator" in one["roles"])
    print("1. a repair under warranty")
    repair_under_warranty(site, shop)
    print("2. an exchange")
    exchange(site, shop)
    print("3. an anonymous complaint")
    complaint(site, shop, Party(operator, key))
    print("4. a certificate, issued and revoked")
    certificate(site, shop, laboratory)


if __name__ == "__main__":
    main()
