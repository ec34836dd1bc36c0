"""Plots about what else is asked for: exchange, return, complaint, question, feedback, installation, care."""

from __future__ import annotations

from typing import Any

from api.cli.year import counter
from api.cli.year.life import Life
from ledger.times import DAY, HOUR, MINUTE


def exchange(life: Life) -> None:
    """A thing that came broken is exchanged for another one."""
    counter.sell(life, channel="web")
    life.wait(HOUR, 4 * DAY)
    counter.open_case(life, "exchange", "transport", severity="major")
    counter.respond(life)
    _decide(life, "accepted", "exchange", "damaged_on_arrival")
    swap(life, "damaged_in_transport")
    counter.close(life)


def returned(life: Life) -> None:
    """A thing sold at a distance goes back within the days in which no reason is asked."""
    counter.sell(life, channel="web")
    life.wait(DAY, 6 * DAY)
    counter.open_case(life, "return", life.rand.choice(("terms", "quality", "other")))
    counter.respond(life)
    accepted = life.chance(0.9)
    _decide(life, "accepted" if accepted else "refused", "refund", "within_days" if accepted else "worn")
    if not accepted:
        counter.close(life, "unresolved")
        return
    counter.receive(life)
    life.work(HOUR, 5 * DAY)
    part = life.shop.part
    back = {"reason": "no_reason", "condition": "as new", "resaleable": True}
    life.say(part, "return.completed", back, agent=counter.staff(life))
    life.work(HOUR, 4 * DAY)
    refund = {"amount": {"amount": "120.00", "currency": life.shop.currency}}
    life.say(part, "case.settled", {"what": "refund"}, private=refund)
    counter.close(life)


def swap(life: Life, reason: str) -> None:
    """Another thing is registered and takes this one's place; its buyer gets a key for it."""
    part = life.shop.part
    if life.said[-1].value["type"] != "repair.failed":
        counter.receive(life)
    other = life.made(f"{life.name} replacement {life.cases}")
    life.work(HOUR, 2 * DAY)
    origin = "manufactured" if life.shop.makes else "imported"
    life.say(part, "item.registered", life.good.details(life.shop.brand, origin), about=[other], alone=True)
    life.work(HOUR, 2 * DAY)
    swapped: dict[str, Any] = {"replacement": other, "reason": reason}
    if life.item in life.holdings:
        swapped |= life.key("receipt")
    life.say(part, "exchange.completed", swapped, about=[life.item, other], agent=counter.staff(life))


def complaint(life: Life) -> None:
    """A complaint about a thing: about its quality, about slowness, about the way somebody spoke."""
    counter.sell(life)
    life.wait(2 * DAY, 50 * DAY)
    issue = life.rand.choice(("quality", "slowness", "attitude", "stock"))
    counter.open_case(life, "complaint", issue, severity=life.rand.choice(("minor", "major")))
    _answer_complaint(life)


def surge(life: Life) -> None:
    """A complaint about the batteries of the last weeks."""
    counter.sell(life)
    life.wait(HOUR, 6 * DAY)
    counter.open_case(life, "complaint", "quality", fault="battery", severity="major")
    _answer_complaint(life)


def anonymous(life: Life) -> None:
    """Somebody without a key complains about the shop on its public page; the operator records it."""
    _own_case(life, "complaint", life.rand.choice(("attitude", "slowness", "terms", "logistics")))
    _answer_party(life)


def complainant(life: Life) -> None:
    """The same by somebody whose key stands for the complaint, and who rates how it was answered."""
    _own_case(life, "complaint", "attitude", **life.key("device"))
    _answer_party(life)


def feedback(life: Life) -> None:
    """Feedback about the shop; most of it is answered."""
    _own_case(life, "feedback", "feedback")
    if life.chance(0.85):
        _answer_party(life, remedy="explanation")


def question(life: Life) -> None:
    """Somebody asks how to care for a thing."""
    counter.sell(life)
    life.wait(DAY, 40 * DAY)
    counter.open_case(life, "consultation", "other", mode="remote")
    counter.respond(life)
    life.work(5 * MINUTE, DAY)
    life.say(life.shop.part, "case.contacted", {"channel": "phone", "reached": life.chance(0.8)})
    counter.close(life)


def care(life: Life) -> None:
    """Maintenance, as a case, and some months later once more while the customer waits."""
    counter.sell(life)
    life.wait(20 * DAY, 90 * DAY)
    care_of(life)


def care_of(life: Life) -> None:
    """The same of a thing that somebody has."""
    counter.open_case(life, "maintenance", "other", mode="in_store")
    counter.respond(life)
    counter.receive(life)
    _maintain(life)
    counter.hand_over(life)
    counter.close(life)
    life.work(60 * DAY, 150 * DAY)
    _maintain(life)


def custom(life: Life) -> None:
    """A thing is made to the customer's wish."""
    counter.sell(life, channel="store")
    life.wait(HOUR, 10 * DAY)
    counter.open_case(life, "customization", "other", mode="in_store")
    counter.respond(life)
    counter.receive(life)
    counter.quote(life, free=False)
    counter.decide_quote(life, "approved", free=False)
    life.work(DAY, 6 * DAY)
    engraved = {"work": ["engrave inside"], "tests": [{"name": "legible", "result": "pass"}]}
    life.say(life.shop.part, "customization.completed", engraved, agent=counter.staff(life))
    counter.hand_over(life)
    counter.close(life)


def installation(life: Life) -> None:
    """A thing is delivered and set up where it will stand."""
    counter.sell(life, deliver=True)
    counter.open_case(life, "installation", "logistics", mode="on_site")
    counter.respond(life)
    part = life.shop.part
    start = life.shop.open_at(life.at + 3 * DAY, life.rand)
    window = {"from": life.shop.text(start), "until": life.shop.text(start + 3 * HOUR)}
    life.say(part, "case.scheduled", window)
    life.at = start + HOUR
    life.say(part, "case.visited", {"result": "done"}, agent=counter.staff(life))
    life.wait(20 * MINUTE, HOUR)
    checks = [{"name": "level", "result": "pass"}, {"name": "feet and seams", "result": "pass"}]
    life.say(part, "item.installed", {"checks": checks, "agents": [counter.staff(life)]})
    life.work(DAY, 2 * DAY)
    life.say(part, "case.contacted", {"channel": "phone", "reached": True})
    counter.close(life)


def _decide(life: Life, decision: str, remedy: str, grounds: str) -> None:
    life.work(2 * HOUR, 3 * DAY)
    told = {"decision": decision, "remedy": remedy, "grounds": grounds}
    life.say(life.shop.part, "case.decided", told, agent=counter.staff(life))


def _answer_complaint(life: Life) -> None:
    counter.respond(life)
    kept = life.chance(0.8)
    _decide(life, "accepted" if kept else "refused", "apology" if kept else "explanation", "looked_into")
    if kept and life.chance(0.3):
        amount = {"amount": {"amount": "25.00", "currency": life.shop.currency}}
        life.say(life.shop.part, "case.settled", {"what": "compensation"}, private=amount)
    counter.close(life, "resolved" if kept else "unresolved")


def _maintain(life: Life) -> None:
    life.work(HOUR, DAY)
    due = life.shop.date(life.at + 182 * DAY)
    done = {"work": ["clean", "check"], "tests": [{"name": "as it should be", "result": "pass"}], "next_due": due}
    life.say(life.shop.part, "maintenance.performed", done, agent=counter.staff(life))


def _own_case(life: Life, kind: str, issue: str, **more: Any) -> None:
    """A case that is about no item: its own first subject, and the shop the second."""
    life.cases += 1
    life.case = life.made(f"{life.name} case {life.cases}")
    life.item = life.case
    both = [life.case, life.parties[life.shop.part]]
    details = {"kind": kind, "channel": "web", "issue": issue} | more
    life.say("operator", "case.opened", details, about=both)
    if more:
        life.holdings[life.case] = life.holdings.pop(both[-1])


def _answer_party(life: Life, remedy: str = "apology") -> None:
    """The shop answers a case of its own, decides and closes it; who has a key may rate that."""
    part, both = life.shop.part, [life.case, life.parties[life.shop.part]]
    life.work(10 * MINUTE, 2 * DAY)
    life.say(part, "case.responded", {"plan": "we look into it today"}, about=both, agent=counter.staff(life))
    life.work(2 * HOUR, 4 * DAY)
    life.say(part, "case.decided", {"decision": "accepted", "remedy": remedy}, about=both, agent=counter.staff(life))
    counter.rate(life, 4, about=life.case)
    life.work(HOUR, DAY)
    life.say(part, "case.closed", {"outcome": "resolved"}, about=both)
    life.case = ""
