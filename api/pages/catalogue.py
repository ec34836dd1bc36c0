"""The words of the pages: one file a language in ``locales``, and how values of statements read in it.

Every text that a person reads stands there and nowhere else. Texts that count something have a form for each of the
language's plural categories (CLDR): English has ``one`` and ``other``, Chinese ``other`` alone. An amount of money is
written as the language writes its currency. What a shop wrote itself (names, findings, reasons of its own) stays as it
was signed: nothing is translated but the words of the format.

>>> english, chinese = load_catalogue("en"), load_catalogue("zh-Hant")
>>> english.count("records", 1), english.count("records", 1200), chinese.count("records", 1200)
('1 record', '1,200 records', '1,200 筆紀錄')
>>> english.fact("price", {"amount": "1234.5", "currency": "TWD"})
'NT$1,234.5'
>>> chinese.day("2026-05-04T09:00:00Z"), chinese.fact("warranty_months", 24)
('2026年5月4日', '24 個月')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
"""BCP 47 tags, the first for whoever asks for none of them."""
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]{5})?)?")
_WORD = re.compile("[a-z_]+")
_AMOUNT = re.compile(r"-?[0-9]{4,}(\.[0-9]+)?")
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The words of one language."""

    language: str
    text: Mapping[str, str]
    plural: Mapping[str, Mapping[str, str]]
    months: tuple[str, ...]
    money: Mapping[str, str]
    sentence: Mapping[str, str]
    member: Mapping[str, str]
    unit: Mapping[str, Mapping[str, str]]
    word: Mapping[str, str]
    problem: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A text with its places filled."""
        return fill(self.text[key], values)

    def count(self, key: str, n: int) -> str:
        """A text that counts something, in the form for that many."""
        return fill(_form(self.plural[key], n), {"n": self.value(n)})

    def label(self, name: str) -> str:
        """How a member of ``details`` is called."""
        return self.member.get(name) or name.replace("_", " ").capitalize()

    def fact(self, name: str, value: Any) -> str:
        """A member's value in words, with its unit if the member has one."""
        unit = self.unit.get(name)
        return self.value(value) if unit is None else fill(_form(unit, value), {"value": self.value(value)})

    def value(self, value: Any) -> str:
        """A value of ``details`` in words; lists and objects become one line."""
        if isinstance(value, bool):
            return self.word["true" if value else "false"]
        if isinstance(value, str):
            if _MOMENT.fullmatch(value):
                return self.moment(value)
            return self.word.get(value) or (value.replace("_", " ") if _WORD.fullmatch(value) else value)
        if isinstance(value, list):
            return self.text["list_and"].join(self.value(one) for one in value)
        if isinstance(value, dict):
            return self._object(value)
        return f"{value:,}" if isinstance(value, int) else str(value)

    def _object(self, value: Mapping[str, Any]) -> str:
        """``{"name": "rate", "result": "pass", "value": "3.5", "unit": "s/d"}`` is "rate: pass, 3.5 s/d"."""
        if "amount" in value and value.keys() <= {"amount", "currency"}:
            return self._money(str(value["amount"]), str(value.get("currency", "")))
        named = next((name for name in ("name", "part", "what", "aspect") if name in value), None)
        rest = {name: self.fact(name, one) for name, one in value.items() if name not in {named, "unit"}}
        if named is None:
            colon = self.text["colon"]
            return self.text["list_or"].join(f"{self.label(name)}{colon}{one}" for name, one in rest.items())
        if "unit" in value and "value" in rest:
            rest["value"] += f" {value['unit']}"
        head = self.value(value[named])
        return f"{head}{self.text['colon']}{self.text['list_and'].join(rest.values())}" if rest else head

    def _money(self, amount: str, currency: str) -> str:
        """An amount as the language writes it: the digits are those that were signed, with a mark every thousand."""
        if _AMOUNT.fullmatch(amount):
            whole, point, rest = amount.partition(".")
            amount = f"{int(whole):,}{point}{rest}"
        if not currency:
            return amount
        return fill(self.money.get(currency, self.money[""]), {"amount": amount, "currency": currency})

    def moment(self, text: str) -> str:
        """A day or a time as it was stated, with the offset that its author gave."""
        found = _split(text)
        if found is None:
            return text
        year, month, day, clock, zone = found
        shown = {"day": day, "month": self.months[month - 1], "year": year, "clock": clock, "zone": zone}
        return self.say("time" if clock else "day", **shown)

    def day(self, text: str) -> str:
        """The day of a time, as its author's clock had it."""
        return self.moment(text[:10])


def _form(forms: Mapping[str, str], count: Any) -> str:
    """The form for so many: ``one`` where the language has it and it is exactly one, else ``other``."""
    return forms["one"] if count == 1 and "one" in forms else forms["other"]


def fill(pattern: str, values: Mapping[str, object]) -> str:
    """The pattern with each ``{name}`` replaced by its value, or by an ellipsis if there is none; values are text."""
    return _PLACE.sub(lambda found: str(values.get(found[1], "…")), pattern)


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[int, int, int, str, str] | None:
    """Year, month, day, clock and zone of a day or a time; seconds are left out."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text:
        return moment.year, moment.month, moment.day, "", ""
    zone = "" if moment.tzinfo is None else f"UTC{text[-6:]}" if moment.utcoffset() else "UTC"
    return moment.year, moment.month, moment.day, f"{moment:%H:%M}", zone


@lru_cache(maxsize=8)
def load_catalogue(language: str) -> Catalogue:
    """The catalogue of a language, read once."""
    read = msgspec.json.decode((LOCALES / f"{language}.json").read_bytes())
    return Catalogue(
        language=language,
        text=read["text"],
        plural=read["plural"],
        months=tuple(read["months"]),
        money=read["money"],
        sentence=read["sentence"],
        member=read["member"],
        unit=read["unit"],
        word=read["word"],
        problem=read["problem"],
    )
