"""Who sees what where the log's entries are not public: chains above shops, never beside; auditors by grant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.levels import AUDITOR, LEVELS, PUBLIC, STAFF, VIEW, concerned, sight_by_code, sight_of
from api.rights import Caller
from api.roles import family
from ledger import times
from ledger.db.grants import Grant
from ledger.db.rows import REMEMBER
from ledger.state import State
from tests.build import uuid
from tests.console import open_console, signed_in
from tests.shop import RING, Party, Shop, segment
from tests.test_api_attachments import listed as uploaded

NECKLACE = RING.replace("001", "002")
WATCH = RING.replace("001", "003")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A chain with two shops, a shop below one of them, a stranger, an auditor; the north has a ring and a necklace."""
    with open_console(tmp_path, database_url, entries_public=False) as opened:
        chain(opened, "Chain", None)
        chain(opened, "North", "Chain")
        chain(opened, "South", "Chain")
        chain(opened, "Corner", "North")
        opened.party("Audit", "auditor")
        for subject in (RING, NECKLACE):
            opened.say(opened.parties["North"], "item.registered", subject, ABOUT)
        opened.say(opened.parties["South"], "item.registered", WATCH, ABOUT)
        yield opened


ABOUT = {"name": "Thing", "category": "jewellery"}


def chain(shop: Shop, name: str, parent: str | None) -> None:
    body = {"name": name, "roles": ["retailer"], "id": uuid(name)} | ({"parent": uuid(parent)} if parent else {})
    assert shop.post("/v1/parties", body, shop.operator).status_code == 201
    shop.parties[name] = Party(uuid(name), shop.api_key(uuid(name), "write"))


def reads(shop: Shop, who: Party, subject: str) -> dict[str, int]:
    """The status of each way to read an item and one of its statements."""
    found = shop.get(f"/v1/items/{segment(subject)}", shop.operator).json()["entries"][0]["statement"]
    return {
        "history": shop.get(f"/v1/items/{segment(subject)}/history", who).status_code,
        "item": shop.get(f"/v1/items/{segment(subject)}", who).status_code,
        "statement": shop.get(f"/v1/statements/{segment(found)}", who).status_code,
    }


def listed(shop: Shop, who: Party, query: str = "") -> set[str]:
    answer = shop.get(f"/v1/items{query}", who)
    assert answer.status_code == 200
    return {item["id"] for item in answer.json()["items"]}


ALL = {RING, NECKLACE, WATCH}
SEES = {
    "Chain": ALL,
    "North": {RING, NECKLACE},
    "South": {WATCH},
    "Corner": set(),
    "Alder": set(),
    "Audit": ALL,  # a registered auditor reads the entries of the whole log
}


@pytest.mark.parametrize("name", SEES)
def test_a_chain_sees_its_shops_and_they_see_neither_it_nor_each_other(shop: Shop, name: str) -> None:
    who = shop.parties[name]
    assert listed(shop, who) == SEES[name]
    assert listed(shop, who, f"?party={segment(uuid('North'))}") == SEES[name] & {RING, NECKLACE}
    for subject in ALL:
        assert set(reads(shop, who, subject).values()) == ({200} if subject in SEES[name] else {403})
    tiles = shop.get("/tile/entries/000.p/1", who).status_code
    assert tiles == (200 if name == "Audit" else 403)


def test_a_public_file_is_for_whoever_sees_the_history_of_what_lists_it(shop: Shop) -> None:
    north, stranger = shop.parties["North"], shop.parties["Alder"]
    photo = uploaded(shop, north)
    shop.say(north, "item.inspected", RING, {"tests": []}, attachments=[photo])
    for end in ("", "/thumbnail"):
        where = f"/v1/attachments/{photo['sha256']}{end}"
        for name, sees in SEES.items():
            assert shop.get(where, shop.parties[name]).status_code == (200 if RING in sees else 404), name
        assert shop.get(where, stranger, Patina_Code=shop.code(north, RING)).status_code == 200
        hidden = shop.get(where, stranger, Patina_Code=shop.code(north, NECKLACE))
        unknown = shop.get(where.replace(photo["sha256"], "0" * 64), stranger)
        answers = [{**one.json(), "request_id": ""} for one in (hidden, unknown)]
        assert (hidden.status_code, answers[0]) == (404, answers[1])


def test_a_chain_signs_for_none_of_its_shops(shop: Shop) -> None:
    size = shop.size()
    statement = shop.statement(shop.parties["North"], "item.inspected", RING, {"tests": []})
    assert shop.post("/v1/statements", {"statement": statement}, shop.parties["Chain"]).status_code == 403
    assert shop.size() == size


def test_people_see_what_their_party_sees(shop: Shop) -> None:
    for name in ("Chain", "Corner"):
        browser = signed_in(shop, uuid(name), "auditor")
        found = {item["id"] for item in browser.get("/v1/items").json()["items"]}
        assert found == SEES[name]


def test_a_code_shows_what_it_is_the_code_of(shop: Shop) -> None:
    stranger = shop.parties["Alder"]
    code = shop.code(shop.parties["North"], RING)
    for subject, status in ((RING, 200), (NECKLACE, 403)):
        answer = shop.get(f"/v1/items/{segment(subject)}/history", stranger, Patina_Code=code)
        assert answer.status_code == status
    assert shop.get(f"/v1/items/{segment(RING)}/history", stranger, Patina_Code="A" * 22).status_code == 403


def test_where_entries_are_public_every_key_sees_histories(tmp_path: Path) -> None:
    with open_console(tmp_path) as opened:
        chain(opened, "North", None)
        opened.say(opened.parties["North"], "item.registered", RING, ABOUT)
        assert set(reads(opened, opened.parties["Alder"], RING).values()) == {200}
        assert listed(opened, opened.parties["Alder"]) == {RING}


def granted(shop: Shop, name: str = "North", **more: Any) -> Any:
    body = {"auditor": uuid("Audit 2"), "until": "2026-06-01", **more}
    return signed_in(shop, uuid(name), "manager").post("/v1/grants", body)


@pytest.fixture
def auditor(shop: Shop) -> Party:
    """An auditor whom only grants let in: in the log no longer, as it was when they were given."""
    shop.party("Audit 2", "auditor")
    return shop.parties["Audit 2"]


def unregister(shop: Shop) -> None:
    """The operator takes the role away, so that what is left is what was granted."""
    details = {"name": "Audit 2", "roles": ["carrier"]}
    shop.say(shop.operator, "party.updated", f"{uuid('Audit 2')}#authority", details)


def test_an_auditor_reads_what_was_granted_until_then(shop: Shop, auditor: Party) -> None:
    grant = granted(shop, members=["price", "note"])
    assert grant.status_code == 201, grant.text
    assert grant.json()["members"] == ["note", "price"]
    unregister(shop)
    assert listed(shop, auditor) == {RING, NECKLACE}
    assert set(reads(shop, auditor, RING).values()) == {200}
    assert set(reads(shop, auditor, WATCH).values()) == {403}
    assert shop.get("/v1/grants", auditor).json()["grants"] == [grant.json()]
    assert shop.get("/v1/grants", shop.parties["South"]).json()["grants"] == []
    shop.clock.now = times.parse_recorded("2026-06-01T00:00:00.000Z") - 1
    assert reads(shop, auditor, RING)["history"] == 200
    shop.clock.now += 1
    assert set(reads(shop, auditor, RING).values()) == {403}
    assert listed(shop, auditor) == set()


def test_a_grant_of_one_item_is_of_that_item(shop: Shop, auditor: Party) -> None:
    assert granted(shop, subject=RING).status_code == 201
    unregister(shop)
    assert set(reads(shop, auditor, RING).values()) == {200}
    assert set(reads(shop, auditor, NECKLACE).values()) == {403}


def test_a_grant_is_taken_back_by_who_gave_it(shop: Shop, auditor: Party) -> None:
    grant = granted(shop).json()["id"]
    unregister(shop)
    assert reads(shop, auditor, RING)["history"] == 200
    for name in ("South", "Chain", "Audit 2"):
        assert signed_in(shop, uuid(name), "owner").request("DELETE", f"/v1/grants/{grant}").status_code == 404
    assert reads(shop, auditor, RING)["history"] == 200
    mine = signed_in(shop, uuid("North"), "owner")
    assert mine.request("DELETE", f"/v1/grants/{grant}").status_code == 200
    assert set(reads(shop, auditor, RING).values()) == {403}
    assert mine.request("DELETE", f"/v1/grants/{grant}").status_code == 404
    assert mine.request("DELETE", "/v1/grants/%00").status_code == 404


def test_a_grant_taken_back_elsewhere_opens_nothing_after_seconds(shop: Shop, auditor: Party) -> None:
    granted(shop)
    unregister(shop)
    assert reads(shop, auditor, RING)["history"] == 200
    grants = shop.ledger.access.grants
    memory, grants._memory = grants._memory, type(grants._memory)()
    assert grants.revoke(grants.of(uuid("North"))[0].id, uuid("North"))
    grants._memory = memory
    shop.clock.now += REMEMBER
    assert reads(shop, auditor, RING)["history"] == 403


@pytest.mark.parametrize(
    ("more", "status", "pointer"),
    [
        ({"auditor": uuid("South")}, 422, "/auditor"),
        ({"auditor": "nobody"}, 422, "/auditor"),
        ({"until": "2026-05-04"}, 422, "/until"),
        ({"until": "2029-01-01"}, 422, "/until"),
        ({"until": "soon"}, 422, "/until"),
        ({"subject": WATCH}, 403, "/subject"),
        ({"subject": "no subject"}, 403, "/subject"),
        ({"members": ["mood"]}, 422, "/members"),
        ({"members": ["customer"]}, 422, "/members"),
    ],
)
def test_nobody_grants_what_is_not_hers_or_for_ever(
    shop: Shop, auditor: Party, more: dict[str, Any], status: int, pointer: str
) -> None:
    answer = granted(shop, **more)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
    assert shop.ledger.access.grants.of(uuid("North")) == []


def test_a_chain_grants_its_own_and_not_its_shops(shop: Shop, auditor: Party) -> None:
    assert granted(shop, "Chain", subject=RING).status_code == 403
    assert granted(shop, "Chain").status_code == 201
    unregister(shop)
    assert set(reads(shop, auditor, RING).values()) == {403}
    assert listed(shop, auditor) == set()


def state_of(**more: Any) -> State:
    return State(kind="item", first_at="", last_at="", **more)


def test_whom_a_subject_concerns() -> None:
    state = state_of(registered_by="a", sold_by="b", custody=("c", "d"), signers=("e",))
    assert concerned(state) == {"a", "b", "c", "d", "e"}
    assert concerned(state_of()) == concerned(None) == frozenset()


def test_the_level_is_the_first_that_holds() -> None:
    caller, state = Caller("a", frozenset({"read"}), "k"), state_of(registered_by="b")
    grant = Grant("g", "b", "a", None, ("price",), "2099-01-01T00:00:00.000Z", "", None)

    def level(**more: Any) -> str:
        given: dict[str, Any] = {"caller": caller, "subject": RING, "state": state, "grants": ()}
        given |= {"entries_public": False} | more
        return sight_of(**given).level

    assert level() == PUBLIC
    assert level(caller=None, entries_public=True) == PUBLIC
    assert level(entries_public=True) == VIEW
    assert level(caller=Caller("a", frozenset({"admin"}), "k")) == VIEW
    assert level(grants=(grant,)) == AUDITOR
    assert level(grants=(grant,), state=state_of(registered_by="c")) == PUBLIC
    assert level(state=state_of(registered_by="a"), grants=(grant,)) == STAFF
    assert level(state=None) == PUBLIC
    for kind in ("ledger", "authority", "party"):
        assert level(state=State(kind=kind, first_at="", last_at="")) == VIEW
    assert [sight_by_code(one).level for one in (*LEVELS, "unheard")] == [*LEVELS, PUBLIC]
    sight = sight_of(caller, RING, state, (grant,), entries_public=True)
    assert (set(sight.parties), set(sight.granted), sight.grant) == ({"b"}, {"price"}, "g")


def test_a_family_is_a_party_and_all_below_it() -> None:
    parents = {"top": None, "a": "top", "b": "top", "c": "a", "loop": "loop"}
    assert family("top", parents) == {"top", "a", "b", "c"}
    assert family("a", parents) == {"a", "c"}
    assert family("c", parents) == {"c"}
    assert family("loop", parents) == {"loop"}
    assert family("unheard", parents) == {"unheard"}
