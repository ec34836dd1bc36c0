"""The tables of statement types, copied by hand from the design's words (events.md §1-§4) and from nothing else.

A line is: type | kinds of first subject | who, with roles that need `on_behalf` in brackets and those that need
`performed_by` in braces | required members | private members. The members' values below are small true examples, and
the closed words stand as the design writes them.
"""

from __future__ import annotations

from typing import Any

TABLE = """
ledger.created         | ledger    | entry0                  | origin name vkey key           |
ledger.key_added       | ledger    | operator                | vkey                           |
ledger.key_retired     | ledger    | operator                | vkey                           |
party.registered       | authority | operator                | name roles                    |
party.updated          | authority | operator                | name roles                    |
party.suspended        | authority | operator                | reason                         |
party.reinstated       | authority | operator                | reason                         |
key.added              | authority | self operator           | key custody                   |
key.revoked            | authority | self operator           | key reason                    |
standard.adopted       | party     | operator self           | standard version               |
staff.qualified        | party     | self certifier          | agent                          |
staff.disqualified     | party     | self certifier          | agent                          |
staff.left             | party     | self certifier          | agent                          |
audit.performed        | party     | auditor                 | scope findings                 |
improvement.planned    | party     | self                    | finding measure                |
improvement.done       | party     | self                    | finding measure checkpoint     |
alarm.taken_up         | party     | self operator           | alarm                          |
service.interrupted    | party     | self operator           | reason                         |
service.resumed        | party     | self operator           | reason                         |
data.erased            | any       | operator                | statements why                |
item.registered        | item      | manufacturer retailer repairer certifier | name category |
item.inspected         | item      | manufacturer retailer   | tests                          |
item.sold              | item      | retailer                | channel             | price customer order_no receipt_no
item.delivered         | item      | retailer carrier        | method state                 | tracking
item.installed         | item      | retailer repairer       | checks                         | place
item.accepted          | item      | holder [retailer]       | checks                         |
item.refused           | item      | holder [retailer]       | checks                         |
item.claimed           | item      | holder                  | holder_key holder_custody     |
item.transferred       | item      | holder                  | holder_key holder_custody     |
item.claim_refused     | item      | holder                  | refused                        |
item.holder_reset      | item      | retailer operator       | holder_key holder_custody reason evidence |
item.reported_lost     | item      | holder operator         |                                | reference
item.reported_stolen   | item      | holder operator         |                                | reference
item.recovered         | item      | holder operator         |                                | reference
item.recalled          | item      | manufacturer retailer operator | reason remedy           |
item.recall_closed     | item      | manufacturer retailer operator | reason remedy           |
item.linked            | item      | retailer operator       | as                            |
item.retired           | item      | manufacturer retailer operator holder | reason           |
item.reinstated        | item      | manufacturer retailer operator | reason                  |
authentication.certified | item    | certifier               | certificate_no result methods |
authentication.revoked | item      | certifier               | certificate_no reason          |
certificate.recorded   | item      | retailer repairer holder | issuer_name certificate_no    |
warranty.granted       | item      | manufacturer retailer   | months from covers             |
insurance.valued       | item      | certifier retailer      |                                | amount currency
statement.corrected    | any       | same                    | reason                         |
statement.retracted    | any       | same                    | reason                         |
statement.disputed     | item case party | holder concerned operator | disputes reason       | comment
case.opened            | item case | retailer repairer holder operator | kind channel issue | description customer
case.assigned          | item case | retailer repairer operator | to                          |
case.escalated         | item case | retailer repairer operator holder | to                   |
case.responded         | item case | retailer repairer       |                                |
case.contacted         | item case | retailer repairer       | channel reached                |
case.scheduled         | item case | retailer repairer       | from until                     |
case.visited           | item case | retailer repairer       | result                        |
case.received          | item case | retailer repairer       | evidence                       |
case.forwarded         | item case | retailer repairer       | to evidence                    |
case.returned          | item case | retailer repairer       | evidence                       |
case.diagnosed         | item case | retailer repairer certifier | findings responsible in_warranty |
case.quoted            | item case | retailer repairer       | free                           | amount lines up_to
case.approved          | item case | holder [retailer repairer] | free                        | amount lines up_to
case.declined          | item case | holder [retailer repairer] | free                        | amount lines up_to
case.waiting           | item case | retailer repairer       | for                           |
case.resumed           | item case | retailer repairer       | for                           |
case.extended          | item case | retailer repairer       | limit until reason hard        |
case.decided           | item case | retailer repairer manufacturer | decision remedy       |
repair.started         | item      | repairer {retailer}     | work tests                     | cost
repair.completed       | item      | repairer {retailer}     | work tests                     | cost
repair.failed          | item      | repairer {retailer}     | work tests reason              | cost
repair.part_replaced   | item      | repairer                | part quantity                  |
maintenance.performed  | item      | repairer retailer manufacturer | work                    |
customization.completed | item     | repairer retailer manufacturer | work                    |
exchange.completed     | item      | retailer                | replacement reason             | difference
return.completed       | item      | retailer                | reason condition               | refund
case.inspected         | item case | retailer repairer       | passed                         |
case.handed_over       | item case | retailer repairer       | check evidence                |
case.accepted          | item case | holder [retailer repairer] | checks                      |
case.refused           | item case | holder [retailer repairer] | checks                      |
case.settled           | item case | retailer                | what                          | amount
case.followed_up       | item case | retailer repairer       | reached resolved               |
case.surveyed          | item case | retailer repairer auditor operator | source asked answered |
case.evaluated         | item case | holder                  | overall                        | comment
case.closed            | item case | retailer repairer       | outcome                       |
case.reopened          | item case | retailer repairer holder | outcome                      |
"""

# The members that are not bold: type, and others by the same line, then the members.
OPTIONAL = """
ledger.created: continues
ledger.key_added ledger.key_retired: reason
party.registered party.updated: country timezone calendar hours url parent accreditation
key.revoked: since
standard.adopted: steps limits evidence faults warranty returns remedies weights targets tiers care basis
staff.qualified staff.disqualified staff.left: skill level hours valid_until
improvement.planned improvement.done: due target
item.registered: brand model materials origin
item.inspected: batch
item.sold: warranty_months warranty_from return_days custom holder_key holder_custody
item.delivered: documents
item.installed: agents
item.accepted item.refused: on_behalf basis
authentication.certified authentication.revoked: standard grades valid_until
certificate.recorded: url grades
insurance.valued: valid_until
statement.corrected: details
case.opened: fault severity priority tier mode job_no visit promised warranty_claim holder_key holder_custody
case.assigned case.escalated: level
case.responded: plan expected
case.received case.forwarded case.returned: condition
case.diagnosed: responsible_party
case.quoted: quote currency due expires
case.approved case.declined: quote currency due expires on_behalf basis
case.waiting case.resumed: expected
case.decided: grounds
repair.started repair.completed repair.failed: parts methods agents labour_minutes warranty_days performed_by
repair.part_replaced: old_serial new_serial genuine
maintenance.performed customization.completed: tests next_due
exchange.completed: holder_key holder_custody
return.completed: resaleable
case.inspected: tests evidence
case.handed_over: holder_key holder_custody
case.accepted case.refused: reason on_behalf basis
case.settled: with
case.evaluated case.surveyed: response quality attitude timeliness professionalism product
"""

DID = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"  # RFC 8032 §7.1, TEST 1
UUID = "urn:uuid:0190a6f1-7d3b-7c44-9a3e-0a4f1c2d3e4f"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"  # golang.org/x/mod/sumdb/note
HASH = 64 * "a"

# A value for each member; where two types mean different things by one name, `type name` comes first.
EXAMPLES: dict[str, Any] = {
    "accreditation": "ISO/IEC 17025, CNAS L0001",
    "agent": "T-07",
    "agents": ["T-07", "T-08"],
    "alarm": "complaints of May",
    "answered": True,
    "as": "pair",
    "asked": True,
    "case.opened channel": "web",
    "category": "jewellery",
    "certificate_no": "EGL-2026-0001",
    "channel": "store",
    "check": "signature",
    "checkpoint": {"size": 23, "root": HASH},
    "checks": [{"aspect": "function", "result": "good", "handling": "none"}],
    "item.installed checks": ["level", {"name": "anchored", "result": "good"}],
    "condition": ["scratch at 3 o'clock", {"what": "small diamond", "colour": "white", "count": 12, "state": "loose"}],
    "return.completed condition": "as new",
    "covers": ["stones", "work"],
    "custody": "self",
    "decision": "partly",
    "disputes": UUID,
    "evidence": {"weight_g": "4.21", "stones": 1, "hallmark": "750", "photos": ["front.jpg"]},
    "item.holder_reset evidence": "estate",
    "finding": "F-3",
    "findings": [{"grade": "minor", "statements": [UUID]}],
    "case.diagnosed findings": ["prong worn"],
    "for": "parts",
    "free": False,
    "from": "2026-11-09T10:00:00+08:00",
    "warranty.granted from": "sold",
    "hard": True,
    "holder_custody": "device",
    "holder_key": DID,
    "in_warranty": True,
    "issue": "quality",
    "issuer_name": "Example Gem Laboratory",
    "key": DID,
    "kind": "repair",
    "limit": "resolution",
    "measure": "second loupe at intake",
    "method": "hand",
    "methods": ["loupe", "raman"],
    "months": 24,
    "name": "Solitaire ring",
    "origin": "ledger.example/main",
    "outcome": "resolved",
    "overall": 5,
    "part": "prong",
    "passed": True,
    "quantity": 2,
    "reached": True,
    "reason": "fault",
    "key.revoked reason": "lost",
    "statement.disputed reason": "not_so",
    "refused": UUID,
    "remedy": "repair",
    "replacement": "https://id.gs1.org/01/09520123456788/21/R%2F001",
    "resolved": True,
    "responsible": "carrier",
    "result": "authentic",
    "case.visited result": "no_access",
    "roles": ["retailer"],
    "scope": "intake and hand-over",
    "source": "sms",
    "standard": "house",
    "state": "whole",
    "statements": [UUID],
    "tests": [{"name": "stone tight", "result": "pass"}],
    "to": "outside",
    "until": "2026-11-10",
    "version": "2026-1",
    "vkey": VKEY,
    "what": "refund",
    "why": "request",
    "work": ["re-tip prong"],
    # And for those that may be left out.
    "attitude": 5,
    "basis": "call",
    "standard.adopted basis": ["a national standard"],
    "batch": "B-7",
    "brand": "Example",
    "calendar": "CN",
    "care": {"gold": "every 6 months"},
    "continues": {"vkey": VKEY, "size": 7, "root": HASH},
    "country": "CN",
    "currency": "CNY",
    "custom": False,
    "details": {"name": "Solitaire ring, 18 ct", "category": "jewellery"},
    "documents": ["manual", "warranty card"],
    "due": "2026-12-01",
    "standard.adopted evidence": {"jewellery": ["photo", "weight"]},
    "expected": "2026-11-12T18:00:00+08:00",
    "expires": "2026-12-24",
    "fault": "J-12",
    "faults": [{"code": "J-12"}],
    "genuine": True,
    "grades": {"carat": "1.02", "colour": "F"},
    "grounds": "wear",
    "hours": [{"days": ["mon", "tue"], "from": "09:00", "until": "18:30"}, "closed on holidays"],
    "staff.qualified hours": 40,
    "staff.disqualified hours": 40,
    "staff.left hours": 40,
    "job_no": "2026-0117",
    "labour_minutes": 45,
    "level": 2,
    "limits": {"bench": "2 h"},
    "materials": ["Au750"],
    "mode": "in_store",
    "model": "S-1",
    "new_serial": "N2",
    "next_due": "2027-05-09",
    "old_serial": "N1",
    "on_behalf": True,
    "item.registered origin": "intake",
    "parent": UUID,
    "parts": ["prong wire", {"part": "stone", "quantity": "1", "genuine": True}],
    "performed_by": "outside",
    "plan": "look at it under the loupe",
    "priority": "high",
    "product": 4,
    "professionalism": 5,
    "promised": "2026-11-20",
    "quality": 5,
    "quote": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "remedies": ["repair"],
    "resaleable": False,
    "response": 5,
    "responsible_party": UUID,
    "return_days": 7,
    "returns": {"no_reason_days": 7},
    "severity": "low",
    "since": "2026-11-09T10:00:00Z",
    "skill": "stone setting",
    "steps": {"repair": ["received"]},
    "target": "at most 2 %",
    "targets": {"resolved": "90 %"},
    "tier": 3,
    "tiers": [1, 2, 3],
    "timeliness": 5,
    "timezone": "Asia/Shanghai",
    "url": "https://shop.example/",
    "valid_until": "2027-11-09",
    "visit": "V-1",
    "warranty": {"from": "sold"},
    "warranty_claim": True,
    "warranty_days": 180,
    "warranty_from": "2026-11-09",
    "warranty_months": 24,
    "weights": {"A": [40, 30, 30]},
    "with": "holder",
}

# Lists that the design closes (`name: a/b/c`), by type and the place in `details`.
CLOSED = """
party.registered roles/0: operator manufacturer retailer repairer certifier carrier auditor
key.added custody: self ledger
key.revoked reason: retired lost compromised
data.erased why: request retention authority
item.registered origin: manufactured imported intake
item.sold holder_custody: receipt sealed device
item.delivered method: hand courier installer
item.delivered state: whole damaged short
item.accepted checks/0/aspect: appearance function marking packaging documents
item.refused basis: signed_paper call message witness
item.claimed holder_custody: receipt sealed device
item.holder_reset evidence: id purchase_record estate court
item.linked as: same set pair piece
authentication.certified result: authentic not_authentic inconclusive
statement.disputed reason: not_so not_agreed not_me unlawful
case.opened kind: repair maintenance exchange return complaint consultation customization feedback installation
case.opened channel: store phone web app email message social marketplace onsite kiosk
case.opened issue: quality misuse transport stock logistics terms slowness attitude feedback other
case.opened mode: in_store on_site remote
case.visited result: done no_access part_missing refused
case.diagnosed responsible: manufacturer retailer repairer carrier holder none
case.approved basis: signed_paper call message witness
case.waiting for: approval parts customer workshop
case.decided decision: accepted partly refused
case.decided remedy: repair exchange return refund compensation apology explanation
repair.completed performed_by: outside
case.handed_over check: receipt_code phone_code id signature delegate
case.accepted checks/0/aspect: appearance function marking packaging documents
case.settled what: refund difference compensation fee chargeback
case.closed outcome: resolved unresolved withdrawn
case.reopened outcome: resolved unresolved withdrawn
"""


def rows() -> dict[str, list[str]]:
    """The columns of the table by type: kinds, who, required, private."""
    lines = [[column.strip() for column in line.split("|")] for line in TABLE.strip().splitlines()]
    return {line[0]: line[1:] for line in lines}


def required(type_name: str) -> list[str]:
    """The required members of a type."""
    return rows()[type_name][2].split()


def optional(type_name: str) -> list[str]:
    """The members of a type that may be left out."""
    for line in OPTIONAL.strip().splitlines():
        types, members = line.split(":")
        if type_name in types.split():
            return members.split()
    return []


def details(type_name: str, names: list[str]) -> dict[str, Any]:
    """True details of the type with these members."""
    return {name: EXAMPLES.get(f"{type_name} {name}", EXAMPLES.get(name)) for name in names}


def closed() -> list[tuple[str, str, list[str]]]:
    """Every closed list: the type, the pointer of the value in ``details``, the words."""
    found = []
    for line in CLOSED.strip().splitlines():
        place, allowed = line.split(":")
        type_name, pointer = place.split()
        found.append((type_name, pointer, allowed.split()))
    return found
