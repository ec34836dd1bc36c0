"""Who the shops of the year are, what they promise, and what happens in them beside the cases.

Standards and the calendars that they are measured by are adopted before anything is sold. Staff are qualified, and one
qualification runs out; audits find something, and what is planned is done; a service is interrupted for an afternoon;
and a workshop's key is stolen, found out two days later, revoked and replaced.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.calendar import proposed
from api.cli.demo_cast import PARTS, Part
from api.cli.year.goods import ELECTRONICS, FURNITURE, JEWELLERY
from api.cli.year.life import Life, Shop
from ledger.standards import template
from ledger.times import DAY, HOUR, MINUTE, SECOND

ALL_PARTS = PARTS | {
    "goldsmith": Part("巧工坊 Bench Works", ("repairer",), "CN", "+08:00"),
    "auditor": Part("Plain View Auditors", ("auditor",), "GB", "Z", own=True),
}
OPERATOR = "operator"
_SHANGHAI, _LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
SHOPS = {
    "jeweller": Shop("jeweller", "晨光 Chenguang", _SHANGHAI, (0, 1, 2, 3, 4, 5), ("j01", "j02", "j03"), JEWELLERY,
                     "CNY", makes=False),
    "furniture": Shop("furniture", "Alder & Oak", _LONDON, (0, 1, 2, 3, 4), ("f01", "f02", "f03"), FURNITURE,
                      "GBP", makes=True),
    "workshop": Shop("workshop", "Voltan", _SHANGHAI, (0, 1, 2, 3, 4, 5), ("w01", "w02", "w03", "w04"), ELECTRONICS,
                     "CNY", makes=False),
}  # fmt: skip
STANDARDS = {
    "jeweller": ("jewellery", "cn"),
    "furniture": ("furniture", "eu"),
    "workshop": ("consumer-goods", "customer-service", "cn"),
}
COUNTRIES = {"CN": "Asia/Shanghai", "GB": "Europe/London"}
_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SIZE = "$size"
"""Stands in details for the number of leaves when the statement is signed."""


def registration(name: str) -> dict[str, Any]:
    """The details of a part's registration, with the hours that its clocks count."""
    part = ALL_PARTS[name]
    details: dict[str, Any] = {"name": part.name, "roles": list(part.roles), "country": part.country}
    shop = SHOPS.get(name)
    if shop is not None:
        hours = {"days": [_DAY_NAMES[day] for day in shop.days], "from": "09:00", "until": "18:00"}
        details |= {"timezone": COUNTRIES[part.country], "calendar": part.country, "hours": [hours]}
    return details


def adoptions(life: Life, years: range) -> None:
    """The operator adopts the calendars of these years, and each shop its standards."""
    for country, zone in COUNTRIES.items():
        for year in years:
            life.say(OPERATOR, "standard.adopted", proposed(country, year, [zone]), about=[life.parties[OPERATOR]])
            life.wait(MINUTE, HOUR)
    for part, names in STANDARDS.items():
        for name in names:
            life.say(part, "standard.adopted", template(name), about=[life.parties[part]])
            life.wait(MINUTE, HOUR)


def business(life: Life, end: int) -> None:
    """A shop's own year: its staff, its audits and what came of them, until the end."""
    part, about = life.shop.part, [life.parties[life.shop.part]]
    begin = life.at
    for number, agent in enumerate(life.shop.staff):
        days = 200 if number == 1 else 800
        told = {"agent": agent, "skill": "repair", "level": 3 - number % 3, "hours": 40}
        life.say(part, "staff.qualified", told | {"valid_until": life.shop.date(begin + days * DAY)}, about=about)
        life.work(HOUR, DAY)
    for quarter in range(4):
        life.at = life.shop.open_at(begin + (60 + 91 * quarter) * DAY, life.rand)
        _quarter(life, quarter, about)
    life.at = life.shop.open_at(end - 40 * DAY, life.rand)
    life.say(part, "staff.left", {"agent": life.shop.staff[-1]}, about=about)


def _quarter(life: Life, quarter: int, about: list[str]) -> None:
    """An audit in every other quarter, an improvement in each, and an afternoon without service in the second."""
    part = life.shop.part
    if quarter % 2 == 0:
        findings = [{"grade": "minor", "what": "two answers later than promised"}]
        life.say("auditor", "audit.performed", {"scope": "after-sales service", "findings": findings}, about=about)
    if quarter == 1:
        life.work(DAY, 9 * DAY)
        life.say(part, "service.interrupted", {"reason": "power_cut"}, about=about)
        life.wait(20 * MINUTE, 3 * HOUR)
        life.say(part, "alarm.taken_up", {"alarm": "service interrupted"}, about=about)
        life.wait(20 * MINUTE, 2 * HOUR)
        life.say(part, "service.resumed", {"reason": "power_back"}, about=about)
    finding = f"answers are late, quarter {quarter + 1}"
    measure = "one of the staff answers messages first, every morning"
    life.work(DAY, 9 * DAY)
    due = life.shop.date(life.at + 30 * DAY)
    planned = {"finding": finding, "measure": measure, "due": due, "target": "95 % within the limit"}
    life.say(part, "improvement.planned", planned, about=about)
    life.work(20 * DAY, 45 * DAY)
    if quarter != 2:
        done = {"finding": finding, "measure": measure, "checkpoint": SIZE}
        life.say(part, "improvement.done", done, about=about)


def stolen_key(life: Life) -> None:
    """The operator revokes the other workshop's key, since when it was in other hands, and installs another one."""
    about = [f"{life.parties['goldsmith']}#authority"]
    since = datetime.fromtimestamp((life.at - 2 * DAY) // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"key": "goldsmith", "reason": "compromised", "since": since}
    life.say(OPERATOR, "key.revoked", told, about=about)
    life.say(OPERATOR, "key.added", {"key": "goldsmith second", "custody": "ledger"}, about=about)
