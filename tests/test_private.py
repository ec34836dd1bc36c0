"""The table of private members, the disclosures made of them, and who may see which."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from ledger import private, times
from ledger.audience import Audience, Reader
from ledger.disclosure import check_disclosures, digest, make_disclosure, parse_disclosure
from ledger.errors import Invalid
from ledger.leaf import Entry
from ledger.types import TYPES
from tests.world import CASE, RING, World, did, uuid

SALT = bytes(range(16))
SOLD = {"customer": {"name": "Ada Example", "phone": "+1 555 0100"}, "price": {"amount": "120.00", "currency": "EUR"}}

FILE = {"name": "a.pdf", "media_type": "application/pdf", "size": 1, "sha256": "0" * 64}


class Rand:
    """Random bytes of a test: never the same twice, and counted."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, size: int) -> bytes:
        self.sizes.append(size)
        return hashlib.shake_256(str(len(self.sizes)).encode()).digest(size)


def test_disclosures_open_what_was_given_and_no_salt_is_used_twice() -> None:
    rand = Rand()
    made = private.make_disclosures("item.sold", SOLD, rand)
    assert rand.sizes == [32], "128 bits for each"
    digests = private.make_digests("item.sold", made, rand)
    assert check_disclosures(digests, made) == SOLD
    again = private.make_disclosures("item.sold", SOLD, rand)
    assert not set(map(digest, made)) & set(map(digest, again))


@pytest.mark.parametrize("names", [["price"], ["price", "note"], list(private.allowed("item.sold"))])
def test_the_number_of_digests_tells_nothing(names: list[str]) -> None:
    rand = Rand()
    values = {name: [FILE] if name == "attachments" else "1.00" for name in names}
    digests = private.make_digests("item.sold", private.make_disclosures("item.sold", values, rand), rand)
    assert len(digests) == len(set(digests)) == len(private.allowed("item.sold"))
    assert list(digests) == sorted(digests)
    assert all(len(one) == 43 for one in digests)


@pytest.mark.parametrize(
    ("kind", "values", "pointer"),
    [
        ("item.sold", {}, ""),
        ("item.sold", {"cost": "5.00"}, "/cost"),
        ("key.added", {"note": "x"}, "/note"),
        ("item.sold", {"price": 5}, "/price"),
        ("item.sold", {"price": {"amount": "5.00", "mood": "x"}}, "/price"),
        ("case.quoted", {"lines": ["polish", {"what": ""}]}, "/lines/1/what"),
        ("item.sold", {"note": "a\u202eb"}, "/note"),
        ("item.sold", {"customer": {"_sd": "x"}}, "/customer"),
        ("item.sold", {"customer": {"name": ["x"] * 17}}, "/customer/name"),
        ("item.sold", {"attachments": []}, "/attachments"),
        ("item.sold", {"customer": {f"a{n}": "x" * 500 for n in range(32)}, "note": "\u00e9" * 8000}, ""),
    ],
)
def test_what_is_out_of_form_is_refused_and_not_repeated(kind: str, values: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        private.make_disclosures(kind, values, Rand())
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("files", "pointer"),
    [
        ([FILE], None),
        ([FILE | {"size": 0}, FILE | {"size": 2**53 - 1, "name": "a" * 64}] * 16, None),
        ([FILE] * 33, ""),
        ("a.pdf", ""),
        ({"0": FILE}, ""),
        ([[FILE]], "/0"),
        ([FILE, {name: value for name, value in FILE.items() if name != "size"}], "/1/size"),
        ([FILE | {"caption": "x"}], ""),
        ([FILE | {"size": True}], "/0/size"),
        ([FILE | {"size": "1"}], "/0/size"),
        ([FILE | {"size": -1}], "/0/size"),
        ([FILE | {"size": 2**53}], "/0/size"),
        ([FILE | {"sha256": "0" * 64 + "\n"}], "/0/sha256"),
        ([FILE | {"sha256": "A" * 64}], "/0/sha256"),
        ([FILE | {"name": ".pdf"}], "/0/name"),
        ([FILE | {"name": "a" * 65}], "/0/name"),
        ([FILE | {"name": None}], "/0/name"),
        ([FILE | {"media_type": "pdf"}], "/0/media_type"),
    ],
)
def test_files_listed_in_private_are_refused_where_they_are_out_of_form(files: Any, pointer: str | None) -> None:
    if pointer is None:
        assert len(private.make_disclosures("item.sold", {"attachments": files}, Rand())) == 1
        return
    with pytest.raises(Invalid) as refused:
        private.make_disclosures("item.sold", {"attachments": files}, Rand())
    assert refused.value.pointer == "/attachments" + pointer


def test_a_refusal_tells_no_value() -> None:
    with pytest.raises(Invalid) as refused:
        private.make_disclosures("item.sold", {"price": "ada_example"}, Rand())
    assert "ada" not in str(refused.value)


def test_an_authors_own_disclosures_must_be_of_its_digests() -> None:
    price, note = make_disclosure("price", "5.00", SALT), make_disclosure("note", "x", SALT)
    sd = sorted([digest(price), digest(note)])
    assert set(private.read_disclosures("item.sold", sd, [price])) == {"price"}
    other = make_disclosure("price", "6.00", SALT)
    cost = make_disclosure("cost", "6.00", SALT)
    large = make_disclosure("note", "x" * 9000, SALT)
    for texts, pointer in (
        (["!"], "/0"),
        ([price, other], "/1"),
        ([price, price], "/1"),
        ([cost], "/0"),
        ([large], "/0"),
    ):
        with pytest.raises(Invalid) as refused:
            private.read_disclosures("item.sold", [*sd, digest(cost), digest(large)], texts)
        assert refused.value.pointer == pointer
    with pytest.raises(Invalid, match="digest is not in"):
        private.read_disclosures("item.sold", [digest(note)], [price])


def test_each_member_of_the_table_of_types_has_a_class() -> None:
    assert {private.class_of(name) for one in TYPES.values() for name in one.private} <= set(private.CLASSES)
    assert private.class_of("of_a_later_version") == "description"
    made = private.make_disclosures("item.sold", SOLD, Rand())
    grouped = private.by_class(SOLD, made)
    names = {private.CLASSES[number]: [parse_disclosure(one).name for one in grouped[number]] for number in grouped}
    assert names == {"contact": ["customer"], "money": ["price"]}


@pytest.mark.parametrize(
    ("retention", "days"),
    [
        (None, 3653),
        ({"money": 30}, 30),
        ({"contact": 30}, 3653),
        ({"money": "long"}, 3653),
        ({"money": True}, 3653),
        ({"money": -1}, 3653),
        ({"money": 10**9}, private.MAX_RETENTION_DAYS),
    ],
)
def test_the_legal_time_is_the_standards_or_the_built_in(retention: dict[str, Any] | None, days: int) -> None:
    recorded = "2026-01-01T00:00:00.000Z"
    due = private.due_at("money", recorded, retention)
    assert due - times.parse_recorded(recorded) == days * times.DAY
    assert private.due_at("contact", recorded) == times.parse_recorded(recorded)


class Told(World):
    """A world that keeps the entries about the ring, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.register("bench", "repairer")

    def audience(self, reader: Reader) -> Audience:
        entries = [entry for entry in self.entries.values() if RING in entry.statement.subjects]
        return Audience(reader, entries, [self.hash_of(entry) for entry in entries], self.states.get(RING))


@pytest.fixture
def told() -> Told:
    made = Told()
    made.say("item.registered", "shop", RING, {"name": "Ring", "category": "jewellery"})
    return made


def sold(told: Told, key: str, **more: Any) -> Entry:
    details = {"channel": "store", "holder_key": did(key), "holder_custody": "receipt"}
    return told.say("item.sold", "shop", RING, details, **more)


def staff(*names: str) -> Reader:
    return Reader("staff", frozenset(map(uuid, names)))


def test_nobody_sees_anything_at_the_public_levels(told: Told) -> None:
    sale = sold(told, "holder")
    for level in ("public", "view"):
        reader = Reader(level, frozenset({uuid("shop")}), told.hash_of(sale), granted=frozenset(private.MEMBERS))
        assert not reader.sees_any
        assert not any(told.audience(reader).sees(sale, name) for name in private.MEMBERS)


def test_who_recorded_sees_all_and_other_parties_nothing(told: Told) -> None:
    sale = sold(told, "holder")
    assert all(told.audience(staff("shop")).sees(sale, name) for name in private.MEMBERS)
    assert not any(told.audience(staff("rival")).sees(sale, name) for name in private.MEMBERS)
    assert told.audience(staff("shop")).sees(sale, "of_a_later_version")
    assert not told.audience(staff("rival")).sees(sale, "of_a_later_version")


def test_a_holder_sees_what_is_of_her_own_time(told: Told) -> None:
    before = told.say("maintenance.performed", "shop", RING, {"work": ["polish"]})
    sale = sold(told, "holder")
    after = told.say("maintenance.performed", "shop", RING, {"work": ["polish"]})
    hers = told.audience(Reader("holder", grant=told.hash_of(sale)))
    assert hers.sees(sale, "price")
    assert hers.sees(after, "note")
    assert not hers.sees(before, "note")
    assert not hers.sees(after, "cost")
    claim = told.hold(
        "item.claimed", "holder", RING, {"holder_key": did("device"), "holder_custody": "device"},
        told.hash_of(sale), keys=[did("holder"), did("device")],
    )  # fmt: skip
    assert told.audience(Reader("holder", grant=told.hash_of(claim))).sees(sale, "price")
    paper = told.audience(Reader("holder", grant=told.hash_of(sale)))
    assert not any(paper.sees(one, "note") for one in (before, sale, after)), "the paper's key speaks no longer"
    passed = told.hold(
        "item.transferred", "device", RING, {"holder_key": did("next"), "holder_custody": "device"},
        told.hash_of(claim), keys=[did("device"), did("next")],
    )  # fmt: skip
    former = told.audience(Reader("holder", grant=told.hash_of(claim)))
    assert not any(former.sees(one, "note") for one in (before, sale, after, passed))
    now = told.audience(Reader("holder", grant=told.hash_of(passed)))
    assert not now.sees(sale, "price")
    assert now.sees(passed, "note")


def test_whoever_gave_it_back_sees_nothing_more(told: Told) -> None:
    sale = sold(told, "holder")
    assert told.audience(Reader("holder", grant=told.hash_of(sale))).sees(sale, "price")
    told.say("return.completed", "shop", RING, {"reason": "fit", "condition": "new"})
    assert not told.audience(Reader("holder", grant=told.hash_of(sale))).sees(sale, "price")


def test_a_grant_of_nothing_that_is_held_shows_nothing(told: Told) -> None:
    reader = Reader("holder", grant="0" * 64)
    first = next(iter(told.entries.values()))
    assert not told.audience(reader).sees(first, "note")
    sale = sold(told, "holder")
    assert not told.audience(reader).sees(sale, "note")
    assert not Audience(Reader("holder", grant=told.hash_of(sale)), [], [], told.states[RING]).sees(sale, "note")
    assert not Audience(Reader("holder", grant=told.hash_of(sale)), [], [], None).sees(sale, "note")


OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


def test_the_parties_of_a_case_see_what_they_need_for_the_work(told: Told) -> None:
    opened = told.say("case.opened", "shop", RING, OPENED, case=CASE)
    other = told.say("case.opened", "shop", RING, OPENED, case=uuid("other case"))
    assert not told.audience(staff("bench")).sees(opened, "description")
    told.say("case.assigned", "rival", RING, {"to": uuid("bench")}, case=CASE)
    assert not told.audience(staff("bench")).sees(opened, "description"), "whoever has it hands it on, and nobody else"
    told.say("case.assigned", "shop", RING, {"to": uuid("bench")}, case=CASE)
    seen = told.audience(staff("bench"))
    assert seen.sees(opened, "description")
    assert not seen.sees(opened, "customer")
    assert not seen.sees(other, "description")


def test_whoever_sold_it_or_has_it_in_hand_sees_what_is_said_without_a_case(told: Told) -> None:
    work = told.say("maintenance.performed", "bench", RING, {"work": ["polish"]})
    assert not told.audience(staff("shop")).sees(work, "note")
    sold(told, "holder")
    assert told.audience(staff("shop")).sees(work, "note")
    assert not told.audience(staff("shop")).sees(work, "cost")


def test_the_opener_of_a_holders_case_is_no_party(told: Told) -> None:
    sale = sold(told, "holder")
    opened = told.hold("case.opened", "holder", RING, OPENED, told.hash_of(sale), case=CASE)
    assert told.audience(staff("shop")).sees(opened, "description"), "it sold the item"
    assert not told.audience(staff("rival")).sees(opened, "description")


def test_a_case_code_opens_its_case(told: Told) -> None:
    opened = told.say("case.opened", "shop", RING, OPENED, case=CASE)
    reader = told.audience(Reader("case", case=CASE))
    assert reader.sees(opened, "description")
    assert not reader.sees(opened, "customer")
    assert not told.audience(Reader("case", case=uuid("other"))).sees(opened, "description")
    alone = told.say("maintenance.performed", "shop", RING, {"work": ["polish"]})
    assert not told.audience(Reader("case")).sees(alone, "note")


def test_an_auditor_sees_what_was_granted_by_name(told: Told) -> None:
    sale = sold(told, "holder")
    granted = frozenset({"price", "customer"})
    reader = told.audience(Reader("auditor", frozenset({uuid("shop")}), granted=granted))
    assert reader.sees(sale, "price")
    rivals = told.audience(Reader("auditor", frozenset({uuid("rival")}), granted=granted))
    assert not rivals.sees(sale, "price"), "nobody grants what another party keeps from it"
    assert not reader.sees(sale, "note")
    assert not reader.sees(sale, "customer"), "a grant does not widen the table"
    others = told.audience(Reader("auditor", frozenset({uuid("rival")}), granted=granted))
    assert not others.sees(sale, "price"), "nobody grants what another recorded"


def test_the_page_on_privacy_has_the_table(told: Told) -> None:
    page = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text("utf-8")
    columns = ("holder", "case", "parties", "auditor")
    found: dict[str, tuple[str, set[str]]] = {}
    for line in page.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].startswith("`"):
            audience = {name for name, cell in zip(columns, cells[2:], strict=True) if cell == "yes"}
            found |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), (cells[1], audience))
    assert found == {name: (one.kind, set(one.audience)) for name, one in private.MEMBERS.items()}
    assert f"{private.RETENTION_DAYS['money']:,} days" in page
