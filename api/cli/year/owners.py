"""Plots about whose a thing is and what is true of it: certificates, transfers, resets, thefts, mistakes, disputes."""

from __future__ import annotations

from api.cli.year import counter, repairs, wishes
from api.cli.year.life import Life
from ledger.times import DAY, HOUR, MINUTE


def certified(life: Life) -> None:
    """A laboratory certifies the thing, and it is cared for."""
    counter.sell(life)
    _certify(life)
    counter.open_case(life, "maintenance", "other", mode="in_store")
    counter.respond(life)
    life.work(MINUTE, HOUR)
    life.say(life.shop.part, "maintenance.performed", {"work": ["clean"]}, agent=counter.staff(life))
    counter.close(life)


def revoked(life: Life) -> None:
    """A laboratory takes its certificate back, and the buyer returns the thing."""
    counter.sell(life)
    number = _certify(life)
    life.work(10 * DAY, 60 * DAY)
    life.say("laboratory", "authentication.revoked", {"certificate_no": number, "reason": "treatment_found"})
    life.wait(HOUR, 3 * DAY)
    counter.open_case(life, "return", "quality", severity="critical")
    counter.respond(life)
    counter.receive(life)
    life.work(HOUR, 3 * DAY)
    life.say(life.shop.part, "return.completed", {"reason": "certificate_revoked", "condition": "as sold"})
    counter.close(life)


def transferred(life: Life) -> None:
    """The buyer gives the thing away; its new holder has it repaired."""
    counter.sell(life, custody="device")
    life.wait(10 * DAY, 40 * DAY)
    life.hold("item.transferred", life.key("device"))
    repairs.again(life)


def reset(life: Life) -> None:
    """A buyer who lost the key comes to the shop; the reset waits in the open, then the new key speaks."""
    counter.sell(life, custody="receipt")
    life.work(10 * DAY, 40 * DAY)
    told = {"reason": "phone_lost", "evidence": "purchase_record"} | life.key("device")
    life.say(life.shop.part, "item.holder_reset", told)
    life.at = life.recorded + 73 * HOUR
    repairs.again(life)


def refused_claim(life: Life) -> None:
    """Somebody finds the receipt and claims once more; the holder refuses it in time."""
    counter.sell(life, custody="receipt", claims=False)
    life.wait(HOUR, DAY)
    paper = life.holdings[life.item]
    life.hold("item.claimed", life.key("device"))
    present = life.holdings[life.item]
    life.wait(5 * DAY, 30 * DAY)
    life.holdings[life.item] = paper
    claim = life.hold("item.claimed", life.key("device"))
    life.holdings[life.item] = present
    life.wait(HOUR, 40 * HOUR)
    life.hold("item.claim_refused", {"refused": claim})
    wishes.care_of(life)


def stolen(life: Life) -> None:
    """The holder reports a theft, and is lucky."""
    counter.sell(life, custody="device")
    life.wait(10 * DAY, 60 * DAY)
    life.hold("item.reported_stolen", {})
    life.wait(5 * DAY, 40 * DAY)
    life.hold("item.recovered", {})
    wishes.care_of(life)


def mistaken(life: Life) -> None:
    """The shop mistypes what it did and puts it right; the mistake stays to be read."""
    counter.sell(life)
    life.wait(5 * DAY, 50 * DAY)
    counter.open_case(life, "maintenance", "other", mode="in_store")
    counter.respond(life)
    life.work(MINUTE, HOUR)
    part = life.shop.part
    wrong = life.say(part, "maintenance.performed", {"work": ["cleand"]}, agent=counter.staff(life))
    life.work(MINUTE, 2 * DAY)
    put_right = {"reason": "typing", "details": {"work": ["clean"]}}
    life.say(part, "statement.corrected", put_right, corrects=wrong)
    extra = life.say(part, "case.contacted", {"channel": "phone", "reached": True})
    life.work(MINUTE, 2 * DAY)
    life.say(part, "statement.retracted", {"reason": "wrong_case"}, corrects=extra)
    counter.close(life)


def raised(life: Life) -> None:
    """A rating is revised upwards afterwards: shown to everybody, counted by nobody."""
    counter.sell(life, custody="device")
    life.wait(5 * DAY, 50 * DAY)
    counter.open_case(life, "consultation", "slowness", mode="remote")
    counter.respond(life)
    life.wait(HOUR, DAY)
    rating = life.hold("case.evaluated", {"overall": 1, "timeliness": 1})
    life.work(DAY, 4 * DAY)
    life.say(life.shop.part, "case.closed", {"outcome": "resolved"})
    life.wait(HOUR, 2 * DAY)
    better = {"reason": "changed_mind", "details": {"overall": 5, "timeliness": 4}}
    life.hold("statement.corrected", better, corrects=rating)
    life.case = ""


def disputed(life: Life) -> None:
    """The holder disputes what the shop found; both stand."""
    counter.sell(life, custody="device")
    life.wait(10 * DAY, 60 * DAY)
    life.fault = 2
    counter.open_case(life, "repair", "quality", fault=counter.fault_of(life).code, mode="in_store")
    counter.respond(life)
    counter.receive(life)
    counter.diagnose(life, in_warranty=False)
    found = str(life.said[-1].value["id"])
    life.wait(HOUR, 2 * DAY)
    life.hold("statement.disputed", {"disputes": found, "reason": "not_so"})
    counter.quote(life, free=True)
    counter.decide_quote(life, "approved", free=True)
    repairs.work(life)
    counter.hand_over(life)
    counter.close(life)


def recalled(life: Life) -> None:
    """The seller calls the thing back, and takes it out of the trade."""
    counter.sell(life, custody="")
    life.work(20 * DAY, 90 * DAY)
    part = life.shop.part
    life.say(part, "item.recalled", {"reason": "cells_may_overheat", "remedy": "refund"})
    life.wait(DAY, 9 * DAY)
    counter.open_case(life, "return", "quality", severity="critical")
    counter.respond(life)
    counter.receive(life)
    life.work(HOUR, 2 * DAY)
    life.say(part, "return.completed", {"reason": "recalled", "condition": "used", "resaleable": False})
    counter.close(life)
    life.work(DAY, 9 * DAY)
    life.say(part, "item.retired", {"reason": "scrapped"})


def _certify(life: Life) -> str:
    """A certificate of the laboratory's, about this thing; its number."""
    number = f"HGL-{life.made(life.name)[-10:].upper()}"
    life.work(DAY, 12 * DAY)
    told = {
        "certificate_no": number,
        "result": "authentic",
        "methods": ["loupe", "Raman spectroscopy"],
        "grades": {"colour": life.rand.choice("DEFGH"), "clarity": life.rand.choice(("VVS2", "VS1", "VS2"))},
    }
    life.say("laboratory", "authentication.certified", told)
    return number
