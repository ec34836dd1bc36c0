"""Standards: the limit that fits is chosen, several are read as one, and the right one judges a case."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import leaf, standard, times
from ledger.leaf import Entry, Signature
from ledger.standard_figures import Facts, Keeping, Span
from ledger.standards import template
from tests.build import uuid

HOUSE = {"source": "house"}
LIMIT: dict[str, Any] = {"clock": "resolution", "within": {"hours": 72}, **HOUSE}


def small(name: str, **members: Any) -> dict[str, Any]:
    """A document of one limit."""
    return {"standard": name, "version": "1", "limits": [LIMIT], **members}


def test_the_first_limit_that_fits_counts() -> None:
    def of(**facts: Any) -> int:
        found = standard.adopt(document).limit("resolution", Facts(**{"kind": "repair", **facts}))
        assert found is not None
        return found.within.count

    whens = [
        {"kinds": ["return"]}, {"issues": ["quality"]}, {"modes": ["remote"]}, {"tiers": [3]}, {"categories": ["ring"]},
    ]  # fmt: skip
    document = small("ours", limits=[LIMIT | {"when": w, "within": {"hours": n}} for n, w in enumerate(whens, 1)])
    document["limits"].append(LIMIT)
    assert of(kind="return", issue="quality") == 1
    assert (of(issue="quality"), of(mode="remote"), of(tier=3), of(category="ring")) == (2, 3, 4, 5)
    assert of() == 72
    assert standard.adopt(document).limit("visit", Facts(kind="repair")) is None


def test_grades_of_a_response() -> None:
    goods = standard.adopt(template("consumer-goods"))
    assert [goods.grade(hours * times.HOUR) for hours in (0, 24, 25, 48, 49)] == [
        "fast", "fast", "standard", "standard", "late",
    ]  # fmt: skip
    assert standard.adopt(small("ours")).grade(1) is None
    graded = small("ours", grades=[{"grade": "fast", "within": {"hours": 1}, **HOUSE}])
    assert standard.adopt(graded).grade(2 * times.HOUR) is None


def test_steps_are_those_of_kind_and_mode() -> None:
    goods = standard.adopt(template("consumer-goods"))
    assert "case.visited" in goods.expected("repair", "on_site")
    assert "case.received" in goods.expected("repair", "in_store")
    assert goods.expected("consultation", "remote") == ()


def test_what_is_taken_down_of_an_item() -> None:
    goods = standard.adopt(template("consumer-goods"))
    phone = goods.evidence("phone")
    assert phone is not None
    assert (phone.wants, goods.evidence("sofa")) == (("serial", "accessories"), None)
    ring = standard.adopt(template("jewellery")).evidence("ring")
    assert ring is not None
    assert [(one.material, one.grams) for one in ring.tolerance] == [
        ("gold", "0.01"),
        ("platinum", "0.01"),
        ("silver", "0.1"),
    ]


def test_a_category_has_its_own_figures_of_the_warranty() -> None:
    china = standard.adopt(template("cn"))
    assert [getattr(china.warranty(one), "exchange_after_parts_days", None) for one in ("phone", "ring")] == [60, 90]
    assert standard.adopt(template("tw")).warranty("ring") is None
    europe = standard.adopt(template("eu")).warranty("ring")
    assert europe is not None
    assert [europe.source_of(one) for one in ("months", "after_repair_months")] == ["sale_of_goods", "repair_of_goods"]


@pytest.mark.parametrize(
    ("name", "channel", "may"),
    [
        ("eu", "web", True),
        ("eu", "phone", True),
        ("eu", "onsite", True),
        ("eu", "store", False),
        ("consumer-goods", "onsite", False),
        ("tw", "tv", True),
    ],
)
def test_returns_are_for_channels(name: str, channel: str, may: bool) -> None:
    returns = standard.adopt(template(name)).returns
    assert returns is not None
    assert returns.covers(channel) is may


def test_returns_for_any_channel() -> None:
    rules = {"no_reason_days": 30, "from": "sold", **HOUSE}
    anywhere = standard.adopt(small("ours", returns=rules)).returns
    assert anywhere is not None
    assert anywhere.covers("store")


def test_times_of_keeping() -> None:
    jeweller = standard.adopt(template("jewellery"))
    found = standard.retention(jeweller, "media")
    assert found == Keeping("media", 24, "house")
    assert standard.retention(None, "media") is None
    assert standard.retention(standard.adopt(template("eu")), "media") is None


# Several as one.


def test_what_was_adopted_later_goes_before() -> None:
    outer = {"within": {"days": 9}, "then": "authority", **HOUSE}
    first = small("first", grades=[{"grade": "late", **HOUSE}], outer=outer)
    second = small("second", limits=[LIMIT | {"within": {"hours": 9}}], grades=[{"grade": "fast", **HOUSE}])
    both = standard.combine([standard.adopt(first), standard.adopt(second)])
    assert both.ids == (("first", "1"), ("second", "1"))
    assert [limit.within for limit in both.limits] == [Span("hours", 9), Span("hours", 72)]
    assert [grade for grade, _ in both.grades] == ["fast", "late"]
    assert both.outer == Span("days", 9)
    again = standard.combine([standard.adopt(small("x")), both])
    assert again.ids[-1] == ("second", "1")


def test_a_whole_rule_takes_the_place_of_another() -> None:
    both = standard.combine([standard.adopt(template(name)) for name in ("consumer-goods", "eu")])
    assert both.returns is not None
    assert both.returns.no_reason_days == 14
    assert both.returns.source == "consumer_rights"
    assert both.document["name"]["zh_Hant"] == "消費品售後服務 + 歐盟保固與退貨"


def test_a_row_of_one_name_stands_once() -> None:
    both = standard.combine([standard.adopt(template(name)) for name in ("jewellery", "cn")])
    assert [one.name for one in both.retention].count("money") == 1
    keeping = standard.retention(both, "money")
    assert keeping is not None
    assert both.source(keeping.source, "zh_Hans") == "电子商务法第三十一条"
    assert both.source("house") == "house"


def test_two_texts_of_one_id_stay_two() -> None:
    def of(title: str, **more: Any) -> dict[str, Any]:
        basis = [{"id": "law", "kind": "law", "title": title}]
        return small(title, basis=basis, limits=[LIMIT | {"source": "law"}], **more)

    warranty = {"months": 1, "source": "law", "sources": {"months": "law"}}
    parts = [of("One", warranty=warranty), of("Two"), of("Two")]
    merged = standard.combine([standard.adopt(one) for one in parts])
    assert [merged.source(limit.source) for limit in merged.limits] == ["Two", "Two", "One"]
    assert len(merged.document["basis"]) == 2
    found = merged.warranty("")
    assert found is not None
    assert [merged.source(one) for one in (found.source, found.source_of("months"))] == ["One", "One"]
    assert standard.adopt(parts[0]).document["basis"][0]["id"] == "law"  # nothing was changed in place


# In force.

OPERATOR, COMPANY, SHOP = uuid("operator"), uuid("company"), uuid("shop")


def said(index: int, kind: str, details: Any, party: str = SHOP, corrects: int | None = None) -> Entry:
    """An entry about a party."""
    statement = {
        "id": uuid(f"statement {index}"), "type": kind, "subjects": [party], "party": party,
        "occurred_at": "2026-01-01T00:00:00Z", "details": details,
        **({} if corrects is None else {"corrects": uuid(f"statement {corrects}")}),
    }  # fmt: skip
    return Entry(
        index=index,
        prev="0" * 64,
        recorded_at="2026-01-01T00:00:00.000Z",
        links=(),
        statement=leaf.statement_from(statement),
        signatures=(Signature("did:key:z", "x"),),
        v=1,
    )


def adopted(index: int, name: str, version: str = "1", **members: Any) -> Entry:
    """An adoption."""
    return said(index, "standard.adopted", small(name, **members) | {"version": version})


def ids(entries: list[Entry], index: int, facts: Facts | None = None) -> tuple[tuple[str, str], ...]:
    """The standards in force for the shop."""
    found = standard.in_force({SHOP: entries}, (SHOP,), index, facts)
    return () if found is None else found.ids


def test_the_one_in_force_when_the_case_opened_applies() -> None:
    entries = [adopted(3, "a"), adopted(5, "a", "2"), adopted(7, "b"), adopted(9, "a", "3")]
    assert ids(entries, 3) == ()  # the entry that adopts is not before itself
    assert ids(entries, 4) == (("a", "1"),)
    assert ids(entries, 6) == (("a", "2"),)
    assert ids(entries, 8) == (("a", "2"), ("b", "1"))
    assert ids(entries, 10) == (("b", "1"), ("a", "3"))


def test_a_retracted_version_gives_way_to_the_one_before() -> None:
    entries = [adopted(3, "a"), adopted(5, "a", "2"), said(8, "statement.retracted", {"reason": "mistake"}, corrects=5)]
    assert ids(entries, 8) == (("a", "2"),)
    assert ids(entries, 9) == (("a", "1"),)


def test_what_cannot_be_read_never_counts() -> None:
    broken = said(5, "standard.adopted", {"standard": "a", "version": "2", "limits": "soon"})
    other = said(6, "service.interrupted", {"reason": "fire"})
    assert ids([adopted(3, "a"), broken, other], 9) == (("a", "1"),)


def test_a_standard_for_some_cases_judges_those() -> None:
    entries = [adopted(3, "a", kinds=["return"]), adopted(4, "b", categories=["ring"])]
    assert ids(entries, 9, Facts(kind="return", category="sofa")) == (("a", "1"),)
    assert ids(entries, 9, Facts(kind="repair", category="ring")) == (("b", "1"),)
    assert ids(entries, 9, Facts(kind="repair", category="sofa")) == ()
    assert ids(entries, 9) == (("a", "1"), ("b", "1"))


def test_the_nearest_party_that_has_one_decides() -> None:
    chain = standard.chain_of(SHOP, {SHOP: COMPANY}.get, OPERATOR)
    assert chain == (SHOP, COMPANY, OPERATOR)
    of = {OPERATOR: [adopted(1, "operator")], COMPANY: [adopted(2, "company")], SHOP: [adopted(8, "shop")]}

    def name(index: int) -> str:
        found = standard.in_force(of, chain, index)
        return "" if found is None else found.ids[0][0]

    assert [name(index) for index in (1, 2, 3, 9)] == ["", "operator", "company", "shop"]


def test_a_chain_of_parents_ends() -> None:
    assert standard.chain_of(SHOP, {SHOP: COMPANY, COMPANY: SHOP}.get, OPERATOR) == (SHOP, COMPANY, OPERATOR)
    assert standard.chain_of(SHOP, {SHOP: OPERATOR}.get, OPERATOR) == (SHOP, OPERATOR)
    assert standard.chain_of(OPERATOR, {OPERATOR: None}.get, OPERATOR) == (OPERATOR,)


def test_a_calendar_is_adopted_like_a_standard_and_is_none() -> None:
    def days(index: int, year: int, off: list[str], name: str = "CN", version: str = "1") -> Entry:
        calendar = {"name": name, "year": year, "off": [{"date": one} for one in off], "on": [], **HOUSE}
        document = {"standard": f"days-{name}-{year}", "version": version, "calendar": calendar}
        return said(index, "standard.adopted", document)

    newer = days(6, 2026, ["2026-01-02"], version="2")
    operator = [days(1, 2025, ["2025-01-01"]), days(2, 2026, ["2026-01-01"]), newer]
    shop = [days(4, 2025, ["2025-05-05"]), days(5, 2025, [], name="TW"), adopted(7, "a")]
    of, chain = {OPERATOR: operator, SHOP: shop}, (SHOP, OPERATOR)

    def found(index: int) -> dict[int, list[str]]:
        years = standard.calendar_in_force(of, chain, "CN", index)
        return {year: [str(day) for day in one.off] for year, one in years.items()}

    assert found(3) == {2025: ["2025-01-01"], 2026: ["2026-01-01"]}
    assert found(9) == {2025: ["2025-05-05"], 2026: ["2026-01-02"]}  # the shop's own year, the operator's newest
    assert standard.in_force(of, chain, 7) is None
    assert standard.in_force(of, chain, 8) is not None
