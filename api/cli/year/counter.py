"""What most cases have in common: how a thing comes into the world and to somebody, and what is said at a counter.

Every function says something in a life and lets time pass; none knows how the case will end. What varies from life to
life is drawn from its generator: some shops answer late, some customers are rated for, some have no key at all.
"""

from __future__ import annotations

from typing import Any

from api.cli.year.goods import FAULTS, Fault
from api.cli.year.life import Life
from ledger.times import DAY, HOUR, MINUTE

CHANNELS = ("store", "phone", "web", "message", "email", "app")
DISTANT = frozenset({"web", "app", "phone", "marketplace"})
_CHECKS = ("receipt_code", "phone_code", "id", "signature")


def sell(life: Life, *, custody: str = "", channel: str = "", deliver: bool = False, claims: bool = True) -> None:
    """The thing is registered and sold to somebody, who has a key of this custody or, more often than not, some key."""
    shop, rand = life.shop, life.rand
    life.item = life.made(f"{life.name} item")
    origin = "manufactured" if shop.makes else "imported"
    life.say(shop.part, "item.registered", life.good.details(shop.brand, origin))
    if shop.makes:
        life.work(HOUR, DAY)
        tests = [{"name": "outgoing inspection", "result": "pass"}]
        life.say(shop.part, "item.inspected", {"tests": tests, "batch": f"B{life.at // (7 * DAY)}"})
    life.work(HOUR, 9 * DAY)
    channel = channel or rand.choice(("store", "store", "web"))
    sold: dict[str, Any] = {"channel": channel, "warranty_months": 24, "warranty_from": "sold", "return_days": 7}
    custody = custody or rand.choice(("device", "device", "receipt", "sealed", ""))
    if custody:
        sold |= life.key(custody)
    price = {"amount": f"{rand.randrange(40, 4000)}.00", "currency": shop.currency}
    life.say(shop.part, "item.sold", sold, private={"price": price} if life.chance(0.1) else {})
    if custody == "receipt" and claims and life.chance(0.6):
        life.wait(3 * MINUTE, 4 * HOUR)
        life.hold("item.claimed", life.key("device"))
    if deliver or channel in DISTANT:
        life.work(DAY, 5 * DAY)
        state = "damaged" if life.chance(0.04) else "whole"
        life.say("carrier", "item.delivered", {"method": "courier", "state": state, "documents": ["delivery note"]})


def fault_of(life: Life) -> Fault:
    """The fault of the case in hand."""
    faults = FAULTS[life.shop.part]
    return faults[life.fault % len(faults)]


def open_case(life: Life, kind: str, issue: str, **details: Any) -> None:
    """A case is opened: by the holder's own key where there is one, often, and else by the shop at its counter."""
    life.cases += 1
    life.case = life.made(f"{life.name} case {life.cases}")
    held = life.item in life.holdings
    by_holder = held and life.chance(0.5)
    channel = life.rand.choice(("web", "app")) if by_holder else life.rand.choice(CHANNELS)
    tier = life.rand.choice((1, 1, 2, 3))
    told = {"kind": kind, "channel": channel, "issue": issue, "tier": tier} | details
    if by_holder:
        life.wait(0, 10 * HOUR)
        life.hold("case.opened", told)
    else:
        life.at = life.shop.open_at(life.at, life.rand)
        life.say(life.shop.part, "case.opened", told, agent=staff(life))


def respond(life: Life) -> None:
    """Somebody answers: mostly within the hour, sometimes after days, and then it was escalated."""
    shop = life.shop
    if life.chance(0.3):
        life.say(shop.part, "case.assigned", {"to": staff(life), "level": 1})
    if life.chance(0.08):
        life.work(26 * HOUR, 4 * DAY)
        life.say(shop.part, "case.escalated", {"to": shop.staff[0], "level": 2})
    else:
        life.work(2 * MINUTE, 3 * HOUR)
    life.say(shop.part, "case.responded", {"plan": "bring it in, or let us fetch it"}, agent=staff(life))


def receive(life: Life, by: str = "") -> None:
    """The thing is handed in to the shop, or reaches another."""
    part = by or life.shop.part
    life.work(HOUR, 3 * DAY)
    condition = ["lightly scratched"] if life.chance(0.4) else ["no marks"]
    details: dict[str, Any] = {"evidence": evidence(life), "condition": condition}
    if life.chance(0.15):
        details["condition"] = [{"what": "scratch", "colour": "grey", "count": life.rand.randrange(1, 5)}]
    life.say(part, "case.received", details, agent=staff(life))


def diagnose(life: Life, *, in_warranty: bool) -> None:
    """What was found, whose it is, and whether the warranty covers it."""
    fault = fault_of(life)
    life.work(HOUR, 2 * DAY)
    responsible = fault.responsible if in_warranty or fault.responsible == "none" else "holder"
    details: dict[str, Any] = {"findings": fault.findings, "responsible": responsible, "in_warranty": in_warranty}
    if responsible == "carrier":
        details["responsible_party"] = life.parties["carrier"]
    life.say(life.shop.part, "case.diagnosed", details, agent=staff(life))


def quote(life: Life, *, free: bool) -> None:
    """What it will cost, which is nothing or a private amount."""
    life.work(10 * MINUTE, 5 * HOUR)
    if free:
        life.say(life.shop.part, "case.quoted", {"free": True}, agent=staff(life))
        return
    amount = {"amount": f"{life.rand.randrange(20, 400)}.00", "currency": life.shop.currency}
    details = {"free": False, "currency": life.shop.currency, "expires": life.shop.date(life.at + 30 * DAY)}
    life.say(life.shop.part, "case.quoted", details, agent=staff(life), private={"amount": amount})


def decide_quote(life: Life, word: str, *, free: bool) -> None:
    """The customer approves or declines: by key, or the shop says so on the customer's behalf."""
    life.wait(20 * MINUTE, 3 * DAY)
    if life.item in life.holdings and life.chance(0.7):
        life.hold(f"case.{word}", {"free": free})
        return
    life.at = life.shop.open_at(life.at, life.rand)
    basis = life.rand.choice(("call", "message", "signed_paper"))
    life.say(life.shop.part, f"case.{word}", {"free": free, "on_behalf": True, "basis": basis})


def pause(life: Life, cause: str) -> None:
    """The case waits for something; sometimes the promised day is moved."""
    part = life.shop.part
    life.say(part, "case.waiting", {"for": cause, "expected": life.shop.date(life.at + 7 * DAY)}, agent=staff(life))
    if life.chance(0.4):
        life.work(HOUR, DAY)
        until = life.shop.date(life.at + 12 * DAY)
        details = {"limit": "resolution", "until": until, "reason": f"{cause}_late", "hard": life.chance(0.5)}
        life.say(part, "case.extended", details)
    life.work(2 * DAY, 12 * DAY)
    life.say(part, "case.resumed", {"for": cause}, agent=staff(life))


def hand_over(life: Life) -> None:
    """The thing goes back to whoever brought it, and is looked at."""
    life.work(HOUR, 3 * DAY)
    check = life.rand.choice(_CHECKS)
    life.say(life.shop.part, "case.handed_over", {"check": check, "evidence": evidence(life)}, agent=staff(life))
    if life.item in life.holdings and life.chance(0.5):
        life.wait(MINUTE, 5 * HOUR)
        checks = [{"aspect": "function", "result": "good"}, {"aspect": "appearance", "result": "good"}]
        life.hold("case.accepted", {"checks": checks})


def close(life: Life, outcome: str = "resolved") -> None:
    """The case is closed, rated by some, and asked after by the better shops."""
    rate(life, 2 if outcome == "unresolved" else 5)
    life.work(HOUR, 2 * DAY)
    life.say(life.shop.part, "case.closed", {"outcome": outcome}, agent=staff(life))
    if outcome == "resolved" and life.chance(0.4):
        life.work(DAY, 6 * DAY)
        reached = life.chance(0.8)
        life.say(life.shop.part, "case.followed_up", {"reached": reached, "resolved": reached})
    if life.chance(0.25):
        survey(life)
    life.case = ""


def rate(life: Life, best: int, *, about: str = "") -> str:
    """A rating by the holder's key, if there is one and its holder cares to; the statement's id, or ""."""
    subject = about or life.item
    if subject not in life.holdings or not life.chance(0.6):
        return ""
    life.wait(HOUR, 3 * DAY)
    overall = max(1, best - life.rand.choice((0, 0, 0, 1, 1, 2)))
    details = {"overall": overall, "quality": max(1, overall - life.rand.randrange(2))}
    for dimension in ("response", "attitude", "timeliness", "professionalism"):
        if life.chance(0.5):
            details[dimension] = life.rand.randrange(max(1, overall - 1), 6)
    return life.hold("case.evaluated", details, about=subject)


def survey(life: Life) -> None:
    """The auditor asks, whoever can be reached."""
    life.work(2 * DAY, 12 * DAY)
    answered = life.chance(0.55)
    details: dict[str, Any] = {"source": "telephone", "asked": True, "answered": answered}
    if answered:
        details |= {"overall": life.rand.randrange(2, 6), "attitude": life.rand.randrange(3, 6)}
    life.say("auditor", "case.surveyed", details)


def evidence(life: Life) -> dict[str, Any]:
    """What is taken down at a change of custody, by category; the weight is as it is now."""
    photo = [life.rand.randbytes(32).hex()]
    if life.weight_mg:
        weight = f"{life.weight_mg // 1000}.{life.weight_mg % 1000 // 10:02d}"
        return {"photos": photo, "weight_g": weight, "stones": 1, "hallmark": life.good.materials[0]}
    if life.good.category == "furniture":
        return {"photos": photo, "label": life.good.model, "size": "as delivered"}
    return {"serial": f"SN-{life.item[-8:]}", "accessories": ["cable"]}


def staff(life: Life) -> str:
    """Somebody of the shop's staff."""
    return life.rand.choice(life.shop.staff)
