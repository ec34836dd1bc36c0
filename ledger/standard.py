"""A service standard: what a party promised its customers in figures, and which promise applies to a case.

A standard is a document of ``standard_shape``, adopted by the statement ``standard.adopted``; this file reads it into
values and chooses. Standards with different names are in force side by side and are read as one (``combine``): what was
adopted later comes first in every list, where the first that fits counts, and takes the place of whole rules such as
``warranty``. So a jeweller in Europe adopts ``jewellery``, then ``eu``.

>>> ours = adopt({"standard": "ours", "version": "1", "basis": [{"id": "law_x", "kind": "law", "title": "Law X"}],
...     "limits": [{"clock": "complaint", "within": {"hours": 24}, "when": {"issues": ["attitude"]}, "source": "house"},
...                {"clock": "complaint", "within": {"days": 3}, "source": "law_x"}]})
>>> ours.limit("complaint", Facts(kind="complaint", issue="quality")).within
Span(unit='days', count=3)
>>> ours.source("law_x")
'Law X'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ledger import days, standard_shape
from ledger.days import Year
from ledger.errors import Invalid, PatinaError
from ledger.leaf import Entry
from ledger.standard_figures import Evidence, Facts, Hard, Keeping, Limit, Returns, Span, Steps, WarrantyFigures, When
from ledger.standard_shape import unit_of

ADOPTED: Final = "standard.adopted"


@dataclass(frozen=True, slots=True)
class Standard:
    """One standard, or several read as one; ``ids`` are (standard, version), in the order of adoption.

    ``adopted`` are the indexes of the adoptions that it was read from; none for a document that is not on the ledger.
    ``document`` has every member, also those that only words and reports read; sources in it are ids of its basis.
    """

    ids: tuple[tuple[str, str], ...]
    document: Mapping[str, Any]
    limits: tuple[Limit, ...]
    grades: tuple[tuple[str, Span | None], ...]
    steps: tuple[Steps, ...]
    retention: tuple[Keeping, ...]
    returns: Returns | None
    outer: Span | None
    adopted: tuple[int, ...] = ()

    def limit(self, clock: str, facts: Facts) -> Limit | None:
        """The limit of a clock for a case, the first that fits, or ``None``."""
        for limit in self.limits:
            if limit.clock == clock and limit.when.fits(facts):
                return limit
        return None

    def warranty(self, category: str) -> WarrantyFigures | None:
        """The warranty's figures for a category of items; what the category does not name, the rule for all says."""
        rules = self.document.get("warranty")
        if rules is None:
            return None
        figures = {name: value for name, value in rules.items() if name != "categories"}
        for one in rules.get("categories", ()):
            if category in one["categories"]:
                figures |= {name: value for name, value in one.items() if name != "categories"}
                break
        return msgspec.convert(figures, WarrantyFigures)

    def grade(self, length: int) -> str | None:
        """The grade of a first response that took ``length`` microseconds, or ``None`` without grades."""
        for grade, span in self.grades:
            if span is None or length <= span.nominal:
                return grade
        return None

    def expected(self, kind: str, mode: str) -> tuple[str, ...]:
        """The types of statement that a case of this kind and mode is expected to have, in order."""
        for one in self.steps:
            if kind in one.kinds and (not one.modes or mode in one.modes):
                return one.steps
        return ()

    def evidence(self, category: str) -> Evidence | None:
        """What is taken down of items of a category, the first row that fits, or ``None``."""
        rows = msgspec.convert(self.document.get("evidence", ()), tuple[Evidence, ...])
        return next((one for one in rows if not one.categories or category in one.categories), None)

    def source(self, name: str, language: str = "en") -> str:
        """The title of the text that a figure rests on; the house's own figures rest on ``house``."""
        title = next((one["title"] for one in self.document.get("basis", ()) if one["id"] == name), name)
        return title if isinstance(title, str) else text_in(title, language)


def text_in(texts: Mapping[str, str], language: str) -> str:
    """Return a text in a language, or in the first of the three that it has; empty without any."""
    return next((texts[one] for one in (language, *standard_shape.LANGUAGES) if one in texts), "")


def adopt(document: Any) -> Standard:
    """The standard that a document is, for whoever is about to adopt it.

    Raises ``Invalid`` with everything that is wrong, or that this version does not know, each with its pointer.
    """
    wrong = standard_shape.explain(document)
    if wrong:
        raise Invalid(wrong[0].message, wrong[0].pointer, tuple(wrong[1:]))
    return _read(document)


def read(document: Any) -> Standard:
    """The standard that a document on the ledger is; members of a later version are not read. Raises ``Invalid``."""
    standard_shape.check(document)
    return _read(document)


def read_adopted(entry: Entry) -> Standard:
    """The standard that an entry adopts; raises ``Invalid`` for one that this program cannot read."""
    return replace(read(entry.statement.details), adopted=(entry.index,))


def combine(standards: Sequence[Standard]) -> Standard:
    """Several standards as one, given in the order of their adoption; what was adopted later goes before.

    A text of the basis whose id another standard uses for another text gets a name of its own.
    """
    assert standards, "something is combined"
    merged: dict[str, Any] = {}
    for one in reversed(standards):
        for name, member in _renamed(one.document, merged.get("basis", ())).items():
            if name not in merged:
                merged[name] = member
            elif type(member) is list:
                key = standard_shape.DISTINCT.get(name)
                taken = () if key is None else {row[key] for row in merged[name]}
                merged[name] = merged[name] + [row for row in member if key is None or row[key] not in taken]
    names = [one.document["name"] for one in standards if "name" in one.document]
    if names:
        merged["name"] = {
            language: " + ".join(text_in(name, language) for name in names) for language in standard_shape.LANGUAGES
        }
    ids = tuple(own for one in standards for own in one.ids)
    return replace(_read(merged), ids=ids, adopted=tuple(index for one in standards for index in one.adopted))


def in_force(
    adopted: Mapping[str, Iterable[Entry]], chain: Sequence[str], index: int, facts: Facts | None = None
) -> Standard | None:
    """The standard that judges a case opened at ``index``: that of the nearest party of ``chain`` that has one.

    ``adopted`` are the entries about each party's own URI in the order of the log (others than adoptions and
    retractions are passed over). ``chain`` is the party, its parents upwards, then the operator (``chain_of``): a
    branch that adopts nothing works by its company's standard, and a company without one by the operator's. Levels are
    not mixed, so that what a party published is all that binds it. The newest version of each standard counts that was
    adopted before the case was opened and not retracted before it; one that this program cannot read never counts,
    nor, with ``facts``, one whose ``kinds`` or ``categories`` the case is not among.
    """
    for party in chain:
        found = [one for one in standards_of(adopted.get(party, ()), index) if _judges(one.document, facts)]
        if found:
            return found[0] if len(found) == 1 else combine(found)
    return None


def calendar_in_force(
    adopted: Mapping[str, Iterable[Entry]], chain: Sequence[str], name: str, index: int
) -> dict[int, Year]:
    """The years of the calendar ``name`` as they stand before ``index``, each as the nearest party adopted it."""
    years: dict[int, Year] = {}
    for party in reversed(chain):
        for one in standards_of(adopted.get(party, ()), index):
            section = one.document.get("calendar")
            if section is not None and section["name"] == name:
                years[section["year"]] = days.read(section)
    return years


def chain_of(party: str, parent_of: Callable[[str], str | None], operator: str) -> tuple[str, ...]:
    """The party, its parents upwards, and the operator, each once."""
    chain = [party]
    above = parent_of(party)
    while above is not None and above not in chain:
        chain.append(above)
        above = parent_of(above)
    return (*chain, operator) if operator not in chain else tuple(chain)


def standards_of(entries: Iterable[Entry], index: int) -> list[Standard]:
    """The standards that a party has in force before ``index``, by the time of their newest version."""
    said: list[tuple[str, Standard]] = []
    for entry in entries:
        if entry.index >= index:
            break
        statement = entry.statement
        if statement.type == "statement.retracted":
            said = [one for one in said if one[0] != statement.corrects]
        elif statement.type == ADOPTED:
            try:
                said.append((statement.id, read_adopted(entry)))
            except PatinaError:
                continue
    newest = {one.ids[0][0]: number for number, (_, one) in enumerate(said)}
    return [said[number][1] for number in sorted(newest.values())]


def retention(standard: Standard | None, data_class: str) -> Keeping | None:
    """How long private members of a class are kept, or ``None`` where the standard says nothing of them."""
    if standard is None:
        return None
    return next((one for one in standard.retention if one.name == data_class), None)


def _judges(document: Mapping[str, Any], facts: Facts | None) -> bool:
    """Whether a document is more than a calendar, and for such cases."""
    if not document.keys() - {"standard", "version", "name", "basis", "calendar"}:
        return False
    scope = When(tuple(document.get("kinds", ())), categories=tuple(document.get("categories", ())))
    return facts is None or scope.fits(facts)


def _read(document: Mapping[str, Any]) -> Standard:
    returns, outer = document.get("returns"), document.get("outer")
    return Standard(
        ids=((document["standard"], document["version"]),),
        document=document,
        limits=tuple(map(_limit, document.get("limits", ()))),
        grades=tuple((one["grade"], _span(one.get("within"))) for one in document.get("grades", ())),
        steps=msgspec.convert(document.get("steps", ()), tuple[Steps, ...]),
        retention=msgspec.convert(document.get("retention", ()), tuple[Keeping, ...]),
        returns=None if returns is None else msgspec.convert(returns, Returns),
        outer=None if outer is None else _span(outer["within"]),
    )


def _limit(limit: Mapping[str, Any]) -> Limit:
    hard = limit.get("hard")
    return Limit(
        clock=limit["clock"],
        within=Span(*unit_of(limit["within"])),
        source=limit["source"],
        when=msgspec.convert(limit.get("when", {}), When),
        at_most=_span(limit.get("at_most")),
        hard=None if hard is None else Hard(Span(*unit_of(hard["from"])), Span(*unit_of(hard["until"]))),
        average=limit.get("average", False),
        pauses=tuple(limit.get("pauses", standard_shape.CAUSES)),
    )


def _span(span: Mapping[str, Any] | None) -> Span | None:
    return None if span is None else Span(*unit_of(span))


def _renamed(document: Mapping[str, Any], taken: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The document with other ids for those texts of its basis whose ids are taken by other texts."""
    others = {one["id"]: one for one in taken}
    names: dict[str, str] = {}
    for one in document.get("basis", ()):
        name = one["id"]
        while name in others and others[name] != {**one, "id": name}:
            name += "_"
        names[one["id"]] = name
    return dict(_resourced(document, names))


def _resourced(value: Any, names: Mapping[str, str]) -> Any:
    if type(value) is list:
        return [_resourced(one, names) for one in value]
    if type(value) is not dict:
        return value
    resourced: dict[str, Any] = {}
    for name, member in value.items():
        if name == "sources":
            resourced[name] = {figure: names.get(source, source) for figure, source in member.items()}
        elif name in {"source", "id"} and type(member) is str:
            resourced[name] = names.get(member, member)
        else:
            resourced[name] = _resourced(member, names)
    return resourced
