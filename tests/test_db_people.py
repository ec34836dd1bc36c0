"""People on both databases: names that lie there only encrypted, agent ids that come once, PINs that lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import times
from ledger.db.engine import open_engine
from ledger.db.people import PIN_LOCK, PIN_LOCK_MOST, PIN_TRIES, People, Person
from ledger.errors import Invalid, Refused
from tests.stall import Stall, stall, urn

NAME, LOGIN = "Iris Invented", "Iris@Example.ORG"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def people(shop: Stall) -> People:
    return shop.ledger.access.people


@pytest.fixture
def iris(people: People) -> Person:
    return people.add(urn("shop"), "staff", NAME, LOGIN)


def test_a_person_is_found_by_her_login_however_it_is_typed(people: People, iris: Person) -> None:
    assert (iris.party, iris.role, iris.name, iris.login) == (urn("shop"), "staff", NAME, LOGIN)
    assert not iris.has_password
    proof = people.by_login(" iris@EXAMPLE.org")
    assert proof is not None
    assert (proof.person, proof.party, proof.hash) == (iris.id, urn("shop"), None)
    people.set_password(iris.id, "a hash")
    proof = people.by_login(LOGIN)
    assert proof is not None
    assert proof.hash == "a hash"
    assert people.by_login("iris@example.net") is None
    assert people.all(urn("shop")) == [people.get(iris.id)]
    assert people.all(urn("rival")) == people.all("no\0party") == []
    assert people.get("no\0id") is None


def test_nothing_that_names_a_person_stands_readable_in_the_database(shop: Stall, people: People, iris: Person) -> None:
    people.bind_subject(iris.id, "https://id.example.org", "subject-of-iris")
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        tables = ("person", "access_secret", "leaf")
        rows = [row for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    engine.dispose()
    assert len(rows) > 3
    assert not any(word in repr(people.all()) for word in ("Iris", "Example"))
    stored = b" ".join(
        bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for r in rows for one in r
    )
    for word in (b"Iris", b"Invented", b"iris", b"example.org", b"EXAMPLE", b"subject-of"):
        assert word not in stored


def test_agent_ids_mean_nothing_and_come_once(people: People, iris: Person) -> None:
    assert "iris" not in iris.agent.lower()
    assert people.add(urn("shop"), "staff", NAME, agent="W7").agent == "W7"
    assert people.add(urn("rival"), "staff", NAME, agent="W7").agent == "W7"
    for agent in ("W7", iris.agent):
        with pytest.raises(Refused, match="agent id that somebody has"):
            people.add(urn("shop"), "staff", "Another", agent=agent)
    people.forget(iris.id)
    with pytest.raises(Refused):
        people.add(urn("shop"), "staff", "Another", agent=iris.agent)
    assert len(people.all()) == 3


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        (("boss", NAME), "/role"),
        (("staff", ""), "/name"),
        (("staff", "Iris\r\n2026 ERROR forged"), "/name"),
        (("staff", "x" * 201), "/name"),
        (("staff", NAME, "a\0b"), "/login"),
        (("staff", NAME, None, "Iris Invented"), "/agent"),
    ],
)
def test_what_is_out_of_form_adds_nobody(people: People, words: tuple[str, ...], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.add(urn("shop"), *words)
    assert refused.value.pointer == pointer
    assert people.all() == []


def test_a_login_is_one_persons(people: People, iris: Person) -> None:
    with pytest.raises(Refused, match="login"):
        people.add(urn("rival"), "owner", "Another", "IRIS@example.org")
    other = people.add(urn("rival"), "owner", "Another", "other@example.org")
    with pytest.raises(Refused, match="login"):
        people.rename(other.id, "Another", LOGIN)
    people.rename(iris.id, "Iris Renamed", "")
    people.rename(other.id, "Another", LOGIN)
    assert {one.login for one in people.all()} == {LOGIN, ""}
    renamed = people.get(iris.id)
    assert renamed is not None
    assert (renamed.name, renamed.login) == ("Iris Renamed", "")


def test_who_is_disabled_or_forgotten_does_not_come_in(people: People, iris: Person) -> None:
    people.set_password(iris.id, "a hash")
    people.set_pin(iris.id, "another")
    people.bind_subject(iris.id, "https://id.example.org", "s1")
    people.set_disabled(iris.id, disabled=True)
    proof = people.by_login(LOGIN)
    assert proof is not None
    assert proof.hash is None
    assert people.try_pin(iris.id, urn("shop")) is None
    assert people.by_subject("https://id.example.org", "s1") is None
    people.set_disabled(iris.id, disabled=False)
    assert people.by_subject("https://id.example.org", "s1") == people.get(iris.id)
    assert people.by_subject("https://other.example.org", "s1") is None
    people.forget(iris.id)
    gone = people.get(iris.id)
    assert gone is not None
    assert (gone.name, gone.login, gone.agent) == ("", "", iris.agent)
    assert not gone.has_password
    assert not gone.has_pin
    assert gone.disabled_at is not None
    assert people.by_login(LOGIN) is None
    assert people.by_subject("https://id.example.org", "s1") is None


def test_a_subject_of_a_provider_is_one_persons(people: People, iris: Person) -> None:
    other = people.add(urn("shop"), "staff", "Another")
    people.bind_subject(iris.id, "https://id.example.org", "s1")
    with pytest.raises(Refused):
        people.bind_subject(other.id, "https://id.example.org", "s1")
    people.bind_subject(other.id, "https://id.example.com", "s1")


def test_wrong_pins_lock_for_longer_and_longer(shop: Stall, people: People, iris: Person) -> None:
    assert people.try_pin(iris.id, urn("shop")) is None
    people.set_pin(iris.id, "hash")

    def tried() -> str | None:
        proof = people.try_pin(iris.id, urn("shop"))
        assert proof is not None
        return proof.hash

    for lock in (PIN_LOCK, 2 * PIN_LOCK, 4 * PIN_LOCK):
        assert [tried() for _ in range(PIN_TRIES + 3)] == ["hash"] * PIN_TRIES + [None] * 3
        shop.clock.now += lock - times.SECOND
        assert tried() is None
        shop.clock.now += times.SECOND
    for _ in range(12):
        for _ in range(PIN_TRIES):
            tried()
        shop.clock.now += PIN_LOCK_MOST
    assert tried() == "hash"
    people.pin_was_right(iris.id)
    assert [tried() for _ in range(PIN_TRIES + 1)] == ["hash"] * PIN_TRIES + [None]
    people.set_pin(iris.id, "new")
    assert tried() == "new"


def test_a_pin_is_tried_in_its_own_party_only(people: People, iris: Person) -> None:
    people.set_pin(iris.id, "hash")
    assert people.try_pin(iris.id, urn("rival")) is None
    assert people.try_pin("no\0id", urn("shop")) is None
    for _ in range(PIN_TRIES * 2):
        people.try_pin(iris.id, urn("rival"))
    proof = people.try_pin(iris.id, urn("shop"))
    assert proof is not None
    assert proof.hash == "hash"


def test_another_process_finds_people_by_the_same_key(shop: Stall, iris: Person) -> None:
    other = shop.again()
    proof = other.access.people.by_login(LOGIN)
    assert proof is not None
    assert proof.person == iris.id
    other.close()
