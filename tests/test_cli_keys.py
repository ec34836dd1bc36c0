"""A key's life at a terminal: custody, one's own key and back, revocation, suspension, and the ledger's own keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli import folder, key, ledger_key, party
from ledger import leaf, note, times, uri
from ledger.checkpoint import check_checkpoint
from ledger.db.ledger import Ledger
from ledger.db.tables import party_key
from ledger.dsse import SigningKey
from ledger.errors import Forbidden, Invalid, PatinaError, Refused
from ledger.note import parse_note, parse_vkey
from tests.test_cli_ledger import Terminal, at, co_sign, directory
from verifier.audit import Options, audit
from verifier.folder import open_folder

__all__ = ["at", "directory"]

OWN = SigningKey.from_seed(bytes(range(32)))
NEXT = SigningKey.from_seed(bytes(range(1, 33)))


@pytest.fixture
def corner(at: Terminal) -> dict[str, Any]:
    """A party with its key in custody."""
    made: dict[str, Any] = at.json(party, "add", "Corner", "--role", "repairer")
    return made


def kinds(ledger: Ledger, who: str) -> list[str]:
    """The types of what was said of a party's authority, oldest first."""
    entries = [leaf.parse_leaf(raw) for _, raw in ledger.reader.entries(uri.authority_of(who))]
    return [one.statement.type for one in entries if isinstance(one, leaf.Entry)]


def in_custody(ledger: Ledger) -> set[str]:
    return {one.did for one in ledger.access.party_keys()}


def keys_of(at: Terminal, who: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: one for one in at.json(key, "list", "--party", who["id"])["keys"]}


def proven(at: Terminal) -> None:
    """The whole ledger is audited with its first vkey."""
    with folder.opened(at.directory) as ledger:
        vkey = parse_vkey(ledger.vkeys[0])
    source = open_folder(at.directory)
    verdict = audit(source, Options((vkey,)))
    source.close()
    assert verdict.outcome == "proven", verdict.text()


def test_a_key_in_custody_is_rotated_in_one_commit_and_forgotten(at: Terminal, corner: dict[str, Any]) -> None:
    with folder.opened(at.directory) as ledger:
        size = ledger.reader.size()
    made = at.json(key, "rotate", "--party", "Corner")
    assert (made["party"], made["retired"]) == (corner["id"], [corner["key"]])
    with folder.opened(at.directory) as ledger:
        # Two entries and one seal: both stand or neither does.
        assert ledger.reader.size() == size + 3
        assert in_custody(ledger) & {corner["key"], made["key"]} == {made["key"]}
        assert kinds(ledger, corner["id"]) == ["party.registered", "key.added", "key.added", "key.revoked"]
        signer = ledger.access.party_signer(corner["id"])
        assert signer is not None
        assert signer.did == made["key"]
    listed = keys_of(at, corner)
    assert (listed[corner["key"]]["in_force"], listed[corner["key"]]["reason"]) == (False, "retired")
    assert listed[made["key"]]["in_force"]
    assert [one["installed_by_operator"] for one in listed.values()] == [True, False]
    proven(at)


def test_the_operators_key_is_rotated_like_any_other(at: Terminal) -> None:
    with folder.opened(at.directory) as ledger:
        operator = ledger.operator
        (old,) = ledger.view.parties.parties[operator].keys
    made = at.json(key, "rotate", "--party", operator)
    assert made["retired"] == [old]
    at.text(party, "add", "After", "--role", "repairer")
    proven(at)


def test_a_party_moves_from_custody_to_its_own_key_and_back(
    at: Terminal, corner: dict[str, Any], tmp_path: Path
) -> None:
    to_sign = at.json(key, "rotate", "--party", "Corner", "--did", OWN.did)
    assert (to_sign["type"], to_sign["party"], to_sign["details"]["custody"]) == ("key.added", corner["id"], "self")
    made = at.json(key, "rotate", "--signed", co_sign(tmp_path, to_sign, OWN))
    assert made == {"party": corner["id"], "key": OWN.did, "retired": [corner["key"]]}
    with folder.opened(at.directory) as ledger:
        assert ledger.access.party_signer(corner["id"]) is None
        assert corner["key"] not in in_custody(ledger)
        before = in_custody(ledger)
    # Back: the next key is kept here before the party signs for it, and offered again until it is named.
    to_sign = at.json(key, "rotate", "--party", "Corner", "--to-custody")
    again = at.json(key, "rotate", "--party", "Corner", "--to-custody")
    assert to_sign["details"] == again["details"]
    with folder.opened(at.directory) as ledger:
        assert in_custody(ledger) == before | {to_sign["details"]["key"]}
        assert not ledger.view.parties.is_key(to_sign["details"]["key"])
    made = at.json(key, "rotate", "--signed", co_sign(tmp_path, again, OWN))
    assert made == {"party": corner["id"], "key": again["details"]["key"], "retired": [OWN.did]}
    with folder.opened(at.directory) as ledger:
        signer = ledger.access.party_signer(corner["id"])
        assert signer is not None
        assert signer.did == made["key"]
        last = leaf.parse_leaf(ledger.reader.entries(uri.authority_of(corner["id"]))[-2][1])
        assert isinstance(last, leaf.Entry)
        assert [one.key for one in last.signatures] == [OWN.did, made["key"]]
    proven(at)


def test_from_one_own_key_to_the_next_the_party_signs_all_itself(
    at: Terminal, corner: dict[str, Any], tmp_path: Path
) -> None:
    at.text(
        key, "rotate", "--signed", co_sign(tmp_path, at.json(key, "rotate", "--party", "Corner", "--did", OWN.did), OWN)
    )
    to_sign = at.json(key, "rotate", "--party", "Corner", "--did", NEXT.did)
    with pytest.raises(Refused, match="neither key is in custody"):
        key.main(["rotate", "--signed", co_sign(tmp_path, to_sign, OWN, NEXT), "--dir", str(at.directory)])
    with pytest.raises(Refused, match="in custody"):
        key.main(["rotate", "--party", corner["id"], "--dir", str(at.directory)])


def test_a_rotation_without_the_new_keys_signature_changes_nothing(
    at: Terminal, corner: dict[str, Any], tmp_path: Path
) -> None:
    to_sign = at.json(key, "rotate", "--party", "Corner", "--did", OWN.did)
    with folder.opened(at.directory) as ledger:
        size = ledger.reader.size()
    with pytest.raises(Forbidden):
        key.main(["rotate", "--signed", co_sign(tmp_path, to_sign), "--dir", str(at.directory)])
    with pytest.raises(Forbidden):
        key.main(["rotate", "--signed", co_sign(tmp_path, to_sign, NEXT), "--dir", str(at.directory)])
    forged = json.loads(Path(co_sign(tmp_path, to_sign, OWN)).read_text())
    forged["signatures"][0]["key"] = NEXT.did
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    with pytest.raises(Invalid):
        key.main(["rotate", "--signed", str(tmp_path / "forged.json"), "--dir", str(at.directory)])
    with folder.opened(at.directory) as ledger:
        assert ledger.reader.size() == size
        assert corner["key"] in in_custody(ledger)


@pytest.mark.parametrize(
    "words",
    [
        ["rotate"],
        ["rotate", "--party", "Corner", "--did", OWN.did, "--to-custody"],
        ["rotate", "--party", "Corner", "--signed", "x"],
        ["rotate", "--signed", "x", "--to-custody"],
        ["rotate", "--party", "Corner", "--did", "did:key:z6Mk"],
        ["revoke", "--did", "{key}", "--reason", "compromised"],
        ["revoke", "--did", "{key}", "--reason", "compromised", "--since", "yesterday"],
        ["revoke", "--did", "{key}", "--reason", "compromised", "--since", "2999-01-01T00:00:00Z"],
        ["revoke", "--did", "{operator}"],
    ],
)
def test_what_makes_no_sense_changes_nothing(at: Terminal, corner: dict[str, Any], words: list[str]) -> None:
    with folder.opened(at.directory) as ledger:
        size = ledger.reader.size()
        (last,) = ledger.view.parties.parties[ledger.operator].keys
    words = [word.replace("{key}", corner["key"]).replace("{operator}", last) for word in words]
    with pytest.raises(PatinaError):
        key.main([*words, "--dir", str(at.directory)])
    with folder.opened(at.directory) as ledger:
        assert ledger.reader.size() == size
        assert {corner["key"], last} <= in_custody(ledger)


def test_an_earlier_compromise_is_said_later(at: Terminal, corner: dict[str, Any]) -> None:
    words = ["revoke", "--did", corner["key"], "--reason", "compromised"]
    at.text(key, *words, "--since", "2026-02-01T00:00:00Z")
    at.text(key, *words, "--since", "2026-01-01T00:00:00Z")
    assert keys_of(at, corner)[corner["key"]]["since"] == "2026-01-01T00:00:00.000Z"
    assert "revoked: compromised since 2026-01-01T00:00:00.000Z" in at.text(key, "list")
    with pytest.raises(Refused, match="only an earlier time"):
        key.main([*words, "--since", "2026-01-02T00:00:00Z", "--dir", str(at.directory)])


def test_a_revoked_key_that_was_left_in_custody_is_forgotten_by_the_next_command(
    at: Terminal, corner: dict[str, Any]
) -> None:
    with folder.opened(at.directory) as ledger:
        # As if the process had been killed after the commit and before it forgot the key.
        signer = ledger.access.party_signer(ledger.operator)
        assert signer is not None
        value = folder.value_of(
            ledger,
            ledger.operator,
            "key.revoked",
            [uri.authority_of(corner["id"])],
            {"key": corner["key"], "reason": "lost"},
        )
        folder.say(ledger, folder.draft(value, [signer]))
        assert corner["key"] in in_custody(ledger)
    other = at.json(party, "add", "Other", "--role", "repairer")
    at.text(key, "rotate", "--party", other["id"])
    with folder.opened(at.directory) as ledger:
        assert corner["key"] not in in_custody(ledger)
        with ledger._engine.connect() as connection:
            kept = {row.did for row in connection.execute(party_key.select())}
        assert kept == in_custody(ledger)


def test_a_party_is_suspended_and_reinstated(at: Terminal, corner: dict[str, Any]) -> None:
    said = at.text(party, "suspend", "Corner", "--reason", "fraud")
    assert said == f"party {corner['id']} is suspended: it may revoke its keys, and say nothing else\n"
    assert [one["suspended"] for one in at.json(party, "list")] == [False, True]
    assert "suspended" in at.text(party, "list")
    with pytest.raises(Refused, match="is suspended"):
        party.main(["suspend", "Corner", "--reason", "fraud", "--dir", str(at.directory)])
    with pytest.raises(Forbidden, match="suspended"):
        key.main(["rotate", "--party", "Corner", "--dir", str(at.directory)])
    made = at.json(party, "reinstate", "Corner", "--reason", "error")
    assert (made["party"], made["suspended"]) == (corner["id"], False)
    with folder.opened(at.directory) as ledger:
        assert kinds(ledger, corner["id"])[-2:] == ["party.suspended", "party.reinstated"]
        operator = ledger.operator
    with pytest.raises(Refused, match="not suspended"):
        party.main(["reinstate", "Corner", "--reason", "error", "--dir", str(at.directory)])
    with pytest.raises(Refused, match="cannot suspend itself"):
        party.main(["suspend", operator, "--reason", "fraud", "--dir", str(at.directory)])
    with pytest.raises(Invalid):
        party.main(["suspend", "Corner", "--reason", "Two Words", "--dir", str(at.directory)])


# The ledger's own keys.


def signers_of(at: Terminal) -> list[str]:
    """The vkeys whose signatures on the newest checkpoint verify, of all that the ledger ever had."""
    with folder.opened(at.directory) as ledger:
        raw, origin = ledger.reader.checkpoint(), ledger.origin
        every = [one.vkey for one in ledger.reader.ledger_keys()]
    found = []
    for vkey in every:
        try:
            check_checkpoint(raw, [note.parse_vkey(vkey)], origin)
        except PatinaError:
            continue
        found.append(vkey)
    assert len(parse_note(raw).signatures) == len(found)
    return found


def test_ledger_keys_overlap_and_are_retired(at: Terminal) -> None:
    with folder.opened(at.directory) as ledger:
        (first,) = ledger.vkeys
    made = at.json(ledger_key, "add")
    assert made["in_force"] == [first, made["vkey"]] == signers_of(at)
    third = at.text(ledger_key, "add").splitlines()[0].split()[1]
    at.text(ledger_key, "add")
    with pytest.raises(Refused, match="4 ledger keys are in force"):
        ledger_key.main(["add", "--dir", str(at.directory)])
    assert len(signers_of(at)) == 4
    said = at.text(ledger_key, "retire", "--vkey", first, "--reason", "compromised")
    assert said.startswith(f"retired  {first}\n")
    assert first not in signers_of(at)
    at.json(ledger_key, "retire", "--vkey", third, "--reason", "algorithm")
    listed = {one["vkey"]: one for one in at.json(ledger_key, "list")}
    assert [one["state"] for one in listed.values()] == ["retired", "in_force", "retired", "in_force"]
    assert [one["reason"] for one in listed.values()] == ["compromised", None, "algorithm", None]
    with folder.opened(at.directory) as ledger:
        for one in listed.values():
            for name, kind in (("added", {"ledger.created", "ledger.key_added"}), ("retired", {"ledger.key_retired"})):
                if one[f"{name}_at"] is not None:
                    entry = leaf.parse_leaf(ledger.reader.leaf(one[f"{name}_at_index"]) or b"")
                    assert isinstance(entry, leaf.Entry)
                    assert entry.statement.type in kind
                    assert (entry.statement.details["vkey"], entry.recorded_at) == (one["vkey"], one[f"{name}_at"])
    text = at.text(ledger_key, "list")
    assert text.count("retired") == 3
    assert text.count("in_force") == 2
    proven(at)


def test_a_key_that_an_interrupted_run_made_is_named_by_the_next(at: Terminal) -> None:
    with folder.opened(at.directory) as ledger:
        left = ledger.access.create_ledger_key()
    assert at.json(ledger_key, "add")["vkey"] == left
    assert at.json(ledger_key, "add")["vkey"] != left


@pytest.mark.parametrize("vkey", ["{first}", "ledger.example/x+00000000+AAAA", ""])
def test_the_last_ledger_key_and_a_strange_one_are_not_retired(at: Terminal, vkey: str) -> None:
    with folder.opened(at.directory) as ledger:
        (first,), size = ledger.vkeys, ledger.reader.size()
    with pytest.raises(Refused):
        ledger_key.main(
            ["retire", "--vkey", vkey.replace("{first}", first), "--reason", "compromised", "--dir", str(at.directory)]
        )
    with folder.opened(at.directory) as ledger:
        assert ledger.reader.size() == size


def test_an_operator_with_a_second_key_elsewhere_survives_the_theft_of_the_first(at: Terminal, tmp_path: Path) -> None:
    with folder.opened(at.directory) as ledger:
        operator = ledger.operator
        (stolen,) = ledger.view.parties.parties[operator].keys
    to_sign = at.json(key, "add", "--party", operator, "--did", OWN.did)
    at.text(key, "add", "--signed", co_sign(tmp_path, to_sign, OWN))
    with folder.opened(at.directory) as ledger:
        added_at = times.parse_recorded(ledger.view.parties.keys[OWN.did].added_at)
    since = times.format_recorded(added_at + 1000)
    at.text(key, "revoke", "--did", stolen, "--reason", "compromised", "--since", since)
    with pytest.raises(PatinaError, match="custody"):
        party.main(["add", "Meanwhile", "--role", "repairer", "--dir", str(at.directory)])
    to_sign = at.json(key, "rotate", "--party", operator, "--to-custody")
    made = at.json(key, "rotate", "--signed", co_sign(tmp_path, to_sign, OWN))
    assert made["retired"] == [OWN.did]
    at.text(party, "add", "After", "--role", "repairer")
    with folder.opened(at.directory) as ledger:
        # The second key was there before the theft, so neither it nor what follows from it is doubtful.
        assert set(ledger.reader.doubts()) == {stolen}
    proven(at)
