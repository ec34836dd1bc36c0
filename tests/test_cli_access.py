"""`patina key api|rotate` and `patina person`, as an operator at a terminal meets them."""

from __future__ import annotations

import re

import pytest

from api.cli import folder, key, party, person
from api.passwords import Passwords
from ledger import times
from ledger.errors import Refused
from tests.test_cli_ledger import Terminal, at, directory

__all__ = ["at", "directory"]


def test_an_api_key_ends_and_is_followed_by_the_next(at: Terminal) -> None:
    at.json(party, "add", "Bench", "--role", "repairer")
    made = at.json(key, "api", "--party", "Bench", "--label", "till", "--expires", "90d")
    (old,) = [one for one in at.json(key, "list")["api_keys"] if one["label"] == "till"]
    assert old["in_force"]
    assert old["last_used_at"] is None
    assert old["id"] == made["id"]
    assert times.parse_recorded(old["expires_at"]) > folder.now_us() + 89 * times.DAY
    rotated = at.json(key, "rotate-api", old["id"], "--overlap", "30m")
    assert rotated["until"] < times.format_recorded(folder.now_us() + times.HOUR)
    with folder.opened(at.directory) as ledger:
        found = ledger.access.find_api_key(rotated["api_key"])
    assert found is not None
    assert (found.label, found.scopes) == ("till", ("write",))
    text = at.text(key, "list")
    assert re.search(rf"{made['id']} .* in force until {rotated['until']} +till\n", text)
    assert re.search(rf"{rotated['id']} .*till$", text, re.MULTILINE)
    for words in (["api", "--party", "Bench", "--expires", "soon"], ["rotate-api", old["id"], "--overlap", "0d"]):
        with pytest.raises(SystemExit):
            key.main([*words, "--dir", str(at.directory)])
    with pytest.raises(Refused, match="unknown, revoked or expired"):
        key.main(["rotate-api", "unheard", "--dir", str(at.directory)])


def test_people_are_added_listed_changed_and_forgotten(at: Terminal) -> None:
    at.json(party, "add", "Bench", "--role", "repairer")
    words = ("--party", "Bench", "--role", "owner", "--login", "iris@example.org", "--pin")
    added = at.json(person, "add", "Iris Invented", *words)
    assert hash_checks(at, added["id"], added["password"])
    assert len(added["pin"]) == 6
    assert at.json(person, "list", "--party", "Bench") == [
        {name: value for name, value in added.items() if name not in {"password", "pin"}}
    ]
    text = at.text(person, "list")
    assert "Iris Invented  Bench" in text
    assert "password and PIN" in text
    assert at.json(person, "role", added["id"], "technician")["role"] == "technician"
    assert not hash_checks(at, added["id"], at.json(person, "pin", added["id"])["pin"])
    renewed = at.json(person, "password", added["id"])["password"]
    assert hash_checks(at, added["id"], renewed)
    assert not hash_checks(at, added["id"], added["password"])
    assert at.json(person, "disable", added["id"])["disabled_at"]
    assert at.json(person, "enable", added["id"])["disabled_at"] is None
    gone = at.json(person, "forget", added["id"])
    assert (gone["name"], gone["login"], gone["agent"]) == ("", "", added["agent"])
    shown = at.text(person, "add", "Otto", "--party", "Bench", "--role", "staff", "--pin")
    assert re.search(r"pin       \d{6} \(shown only now\)", shown)
    with pytest.raises(Refused, match="nobody's"):
        person.main(["disable", "0" * 16, "--dir", str(at.directory)])


def hash_checks(at: Terminal, person_id: str, password: str) -> bool:
    """Whether this is the person's password."""
    passwords = Passwords()
    with folder.opened(at.directory) as ledger:
        proof = ledger.access.people.by_login("iris@example.org")
    assert proof is not None
    assert proof.person == person_id
    try:
        return passwords.check_now(proof.hash, password)
    finally:
        passwords.close()
