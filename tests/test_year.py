"""The scripted year: the same bytes from the same seed, every kind of statement, and nothing that a judge refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.year import made, play, plots
from ledger import leaf, times, types
from ledger.cases import fold_case
from ledger.db.ledger import Ledger, open_ledger
from ledger.leaf import Entry
from ledger.merkle import leaf_hash
from ledger.note import parse_vkey
from ledger.responsibility import parties_of, responsibility
from tests import year
from verifier.audit import Options, audit
from verifier.folder import open_folder

NOT_TOLD = frozenset(
    # Of the ledger itself, and what no shop of the three would say in this year.
    "ledger.created ledger.key_added ledger.key_retired party.updated party.suspended party.reinstated data.erased "
    "staff.disqualified item.accepted item.refused item.recall_closed item.reinstated item.linked "
    "item.reported_lost certificate.recorded warranty.granted insurance.valued case.refused case.reopened".split()
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with year.tell(tmp_path_factory.mktemp("year")) as ledger:
        yield ledger


def entries(ledger: Ledger) -> list[Entry]:
    raws = (ledger.reader.leaf(index) for index in range(ledger.reader.size()))
    found = (leaf.parse_leaf(raw) for raw in raws if raw is not None)
    return [one for one in found if isinstance(one, Entry)]


def pairs(ledger: Ledger, subject: str) -> list[tuple[Any, str]]:
    return [(leaf.parse_leaf(raw), leaf_hash(raw).hex()) for _, raw in ledger.reader.entries(subject)]


def root(ledger: Ledger) -> tuple[int, bytes]:
    head = ledger.view.tip.head
    return head.size, head.root


def test_the_same_seed_says_the_same_bytes_on_both_databases(told: Ledger, database_url: str, tmp_path: Path) -> None:
    with year.tell(tmp_path / "again", url=database_url) as again:
        assert root(again) == root(told)


def test_another_seed_tells_another_year(told: Ledger, tmp_path: Path) -> None:
    with year.tell(tmp_path, lives=5, seed=2) as other:
        assert other.id != told.id


def test_an_independent_judge_proves_the_year(told: Ledger) -> None:
    source = open_folder(told.directory)
    try:
        verdict = audit(source, Options(vkeys=(parse_vkey(told.vkeys[0]),)))
    finally:
        source.close()
    assert verdict.outcome == "proven", verdict.findings


def test_every_type_is_told_but_those_that_are_named(told: Ledger) -> None:
    said = {one.statement.type for one in entries(told)[1:]}
    assert set(types.TYPES) - said == NOT_TOLD


def test_every_kind_of_case_is_told(told: Ledger) -> None:
    opened = [one.statement for one in entries(told) if one.statement.type == "case.opened"]
    kinds = Counter(one.details["kind"] for one in opened)
    assert set(kinds) == set(
        "repair maintenance exchange return complaint consultation customization feedback installation".split()
    )
    # A complaint that nobody's key stands for is the operator's word, and never the shop's.
    alone = [one for one in opened if one.subjects[0] == one.case]
    assert {one.party for one in alone} == {told.operator}
    assert {"holder_key" in one.details for one in alone} == {True, False}


def test_the_days_are_those_of_the_year(told: Ledger) -> None:
    all_said = entries(told)
    recorded = [times.parse_recorded(one.recorded_at) for one in all_said]
    assert recorded == sorted(recorded)
    assert recorded[0] == year.asked().began
    assert recorded[-1] <= year.END
    lateness = [
        at - times.parse_occurred(one.statement.occurred_at) for at, one in zip(recorded, all_said, strict=True)
    ]
    assert any(late > times.DAY for late in lateness), "somebody records late"
    assert sum(late > times.DAY for late in lateness) < len(lateness) / 5, "and most do not"


def test_some_cases_are_open_at_the_end(told: Ledger) -> None:
    statements = [one.statement for one in entries(told)]
    opened = {one.case for one in statements if one.type == "case.opened"}
    closed = {one.case for one in statements if one.type == "case.closed"}
    assert 0 < len(opened - closed) < len(opened) / 2


def test_a_thing_that_failed_twice_was_exchanged(told: Ledger) -> None:
    failed = next(one.statement.subjects[0] for one in entries(told) if one.statement.type == "repair.failed")
    told_of = pairs(told, failed)
    cases = dict.fromkeys(one.statement.case for one, _ in told_of if one.statement.case)
    courses = [fold_case(case, told_of) for case in cases]
    assert [course.ended for course in courses if course is not None] == [False, True]


def test_for_a_fault_the_whole_chain_answers(told: Ledger) -> None:
    """Of a certified thing that a shop sold and took back: who made, sold, certified and diagnosed it, and had it."""
    revoked = next(one.statement for one in entries(told) if one.statement.type == "authentication.revoked")
    chain = responsibility(pairs(told, revoked.subjects[0]), {})
    roles = [link.role for link in chain.links]
    assert roles[:2] == ["imported", "sold"]
    assert {"certified", "revoked", "took_back"} <= set(roles)
    assert {link.party for link in chain.links if link.role in {"certified", "revoked"}} == {revoked.party}
    assert chain.custody[-1].who == next(link.party for link in chain.links if link.role == "took_back")


def test_whether_a_technician_was_qualified_is_read_from_what_was_recorded_by_then(told: Ledger) -> None:
    standings = set()
    for one in entries(told):
        if one.statement.type == "repair.completed" and one.statement.case is not None:
            item = one.statement.subjects[0]
            of_item = pairs(told, item)
            staff = {party: pairs(told, party) for party in parties_of(of_item)}
            links = responsibility(of_item, staff).links
            standings |= {each.standing for link in links if link.role == "repaired" for each in link.technicians}
    # The other workshop recorded nothing of its staff, and one qualification ran out in the middle of the year.
    assert standings >= {"qualified", "expired", "unknown"}


def test_a_year_that_was_stopped_is_finished_by_the_next(told: Ledger, tmp_path: Path) -> None:
    url, asked = f"sqlite:///{tmp_path / 'ledger.sqlite3'}", year.asked()
    made.found(url, tmp_path, year.MASTER, asked, origin="year.example/log", name="A year")

    begun: list[int] = []

    def stop(number: int) -> None:
        begun.append(number)
        if len(begun) == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.play(url, tmp_path, year.MASTER, asked, advance=stop)
    statements, cases = made.play(url, tmp_path, year.MASTER, asked)
    ledger = open_ledger(url, directory=tmp_path, master=year.MASTER, clock=lambda: year.END)
    assert root(ledger) == root(told)
    ledger.close()
    # The ledger's own two are the founding's.
    assert statements == len(entries(told)) - 2
    assert cases == sum(one.statement.type == "case.opened" for one in entries(told))


def test_as_many_lives_as_are_asked_for_go_through_every_plot() -> None:
    begins = plots.begins("x", 2 * len(plots.PLOTS), 0, play.YEAR)
    assert sorted(number for _, number in begins) == list(range(2 * len(plots.PLOTS)))
    assert [at for at, _ in begins] == sorted(at for at, _ in begins)
