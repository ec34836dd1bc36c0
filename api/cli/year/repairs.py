"""Plots about repairs: under warranty, paid for, declined, failed twice, on site, and at other workshops."""

from __future__ import annotations

from typing import Any

from api.cli.year import counter, wishes
from api.cli.year.life import Life
from ledger.times import DAY, HOUR, MINUTE


def warranty(life: Life) -> None:
    """A repair under warranty, from the claim to the closing."""
    counter.sell(life)
    life.wait(5 * DAY, 60 * DAY)
    again(life)


def again(life: Life) -> None:
    """The same about a thing that somebody has."""
    _begin(life, warranty_claim=True)
    counter.quote(life, free=True)
    counter.decide_quote(life, "approved", free=True)
    work(life)
    counter.hand_over(life)
    counter.close(life)


def paid(life: Life) -> None:
    """A thing of somebody else's make is taken in and repaired at the customer's cost."""
    _take_in(life)
    _begin(life)
    counter.quote(life, free=False)
    if life.chance(0.3):
        counter.pause(life, "approval")
    counter.decide_quote(life, "approved", free=False)
    work(life)
    counter.hand_over(life)
    counter.close(life)


def declined(life: Life) -> None:
    """The customer declines the quote and fetches the thing as it was."""
    _take_in(life)
    _begin(life)
    counter.quote(life, free=False)
    counter.decide_quote(life, "declined", free=False)
    counter.hand_over(life)
    counter.close(life, "withdrawn")


def fails_twice(life: Life) -> None:
    """The same fault twice: the first repair holds some weeks, the second fails, and the thing is exchanged."""
    warranty(life)
    life.wait(10 * DAY, 50 * DAY)
    _begin(life, warranty_claim=True, severity="major")
    reason = life.rand.choice(("parts_not_available", "worn_out", "cannot_be_opened"))
    fault = counter.fault_of(life)
    life.work(DAY, 3 * DAY)
    tests = [{"name": fault.test, "result": "fail"}]
    failed = {"work": [fault.work], "tests": tests, "reason": reason, "agents": [counter.staff(life)]}
    life.say(life.shop.part, "repair.failed", failed)
    wishes.swap(life, "repair_failed_twice")
    counter.close(life)


def comes_back(life: Life) -> None:
    """The same fault again within ninety days; the second repair holds."""
    warranty(life)
    life.wait(8 * DAY, 70 * DAY)
    _begin(life, warranty_claim=True)
    work(life)
    counter.hand_over(life)
    counter.close(life)


def on_site(life: Life) -> None:
    """Somebody comes: once in vain, often, and then it is done where the thing stands."""
    counter.sell(life, deliver=True)
    life.wait(5 * DAY, 60 * DAY)
    _open(life, mode="on_site", warranty_claim=True)
    part = life.shop.part
    for result in ("no_access", "done") if life.chance(0.3) else ("done",):
        life.work(HOUR, 2 * DAY)
        start = life.shop.open_at(life.at + 2 * DAY, life.rand)
        window = {"from": life.shop.text(start), "until": life.shop.text(start + 2 * HOUR)}
        life.say(part, "case.scheduled", window, agent=counter.staff(life))
        life.at = start + life.rand.randrange(10, 170) * MINUTE
        life.say(part, "case.visited", {"result": result}, agent=counter.staff(life))
    counter.diagnose(life, in_warranty=True)
    work(life)
    if life.item in life.holdings:
        life.wait(MINUTE, HOUR)
        life.hold("case.accepted", {"checks": [{"aspect": "function", "result": "good"}]})
    counter.close(life)


def outside(life: Life) -> None:
    """The work is done by a workshop without a key; the shop answers for it."""
    counter.sell(life)
    life.wait(5 * DAY, 60 * DAY)
    _begin(life, warranty_claim=True)
    part = life.shop.part
    life.work(HOUR, DAY)
    life.say(part, "case.forwarded", {"to": "outside", "evidence": counter.evidence(life)})
    counter.pause(life, "workshop")
    life.say(part, "case.returned", {"evidence": counter.evidence(life)})
    work(life, performed_by="outside")
    counter.hand_over(life)
    counter.close(life)


def forwarded(life: Life) -> None:
    """The work is done by another workshop with a key of its own; one in eight comes back another weight."""
    counter.sell(life)
    life.wait(5 * DAY, 60 * DAY)
    _begin(life, warranty_claim=True)
    life.work(HOUR, DAY)
    life.say(life.shop.part, "case.forwarded", {"to": life.parties["goldsmith"], "evidence": counter.evidence(life)})
    counter.receive(life, "goldsmith")
    work(life, by="goldsmith")
    if life.weight_mg and life.chance(0.125):
        life.weight_mg -= 70
    life.work(HOUR, DAY)
    life.say("goldsmith", "case.returned", {"evidence": counter.evidence(life)})
    counter.hand_over(life)
    counter.close(life)


def work(life: Life, by: str = "", **more: Any) -> None:
    """The work itself, with its part, its tests and who did it; sometimes parts are awaited."""
    part, fault = by or life.shop.part, counter.fault_of(life)
    agents = ["g01"] if by else [counter.staff(life)]
    told = {"work": [fault.work], "tests": [], "agents": agents} | more
    life.work(HOUR, 3 * DAY)
    if not more:
        life.say(part, "repair.started", told, agent=agents[0])
    if life.chance(0.2) and not by:
        counter.pause(life, "parts")
    if life.chance(0.4) and not more:
        replaced: dict[str, Any] = {"part": fault.part, "quantity": 1, "genuine": life.chance(0.9)}
        life.say(part, "repair.part_replaced", replaced, agent=agents[0])
    life.work(30 * MINUTE, 6 * HOUR)
    done = told | {
        "tests": [{"name": fault.test, "result": "pass"}],
        "labour_minutes": life.rand.randrange(15, 180),
        "warranty_days": 90,
    }
    cost = {"amount": f"{life.rand.randrange(5, 200)}.50", "currency": life.shop.currency}
    life.say(part, "repair.completed", done, agent=agents[0], private={"cost": cost} if life.chance(0.2) else {})
    if life.chance(0.7):
        life.work(10 * MINUTE, 4 * HOUR)
        passed = [{"name": fault.test, "result": "pass"}]
        life.say(part, "case.inspected", {"passed": True, "tests": passed}, agent=agents[0])


def _open(life: Life, **details: Any) -> None:
    fault = counter.fault_of(life)
    issue = "misuse" if fault.responsible == "holder" else "transport" if fault.responsible == "carrier" else "quality"
    told = {"mode": "in_store", "severity": "minor", "fault": fault.code} | details
    counter.open_case(life, "repair", issue, **told)
    counter.respond(life)


def _begin(life: Life, **details: Any) -> None:
    """A repair up to its diagnosis."""
    _open(life, **details)
    counter.receive(life)
    counter.diagnose(life, in_warranty=bool(details.get("warranty_claim")))


def _take_in(life: Life) -> None:
    """Register a thing that somebody brought."""
    life.item = life.made(f"{life.name} item")
    life.at = life.shop.open_at(life.at, life.rand)
    life.say(life.shop.part, "item.registered", life.good.details("unbranded", "intake"))
