"""What a compromised key said is listed by an audit and a history, disproves nothing, and is counted in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger import times
from ledger.doubt import Doubt
from ledger.errors import Unknown
from ledger.note import parse_vkey
from ledger.party import Key, Parties
from ledger.uri import authority_of
from tests.build import Build, key, ring, shop, uuid
from tests.listed import Listed, audited, listed
from tests.test_attack_core import shown
from verifier import folder
from verifier.audit import Options, audit
from verifier.cli import audit as command
from verifier.doubtful import doubt_notes, leaves_to_read
from verifier.findings import Verdict
from verifier.memory import Memory
from verifier.reader import Reader, verify

WORK = {"work": ["clean"]}
AUTHORITY = authority_of(uuid("shop"))


def busy(count: int = 3) -> tuple[Build, list[int]]:
    """A ledger whose shop speaks with its first key and then with the next, and where the shop's entries stand."""
    made = shop()
    said = [made.item(ring(1))]
    said += [made.say("maintenance.performed", "shop", ring(1), WORK) for _ in range(count)]
    made.say("authentication.certified", "lab", ring(1), {"certificate_no": "1", "result": "authentic", "methods": []})
    said.append(
        made.say("key.added", "shop", AUTHORITY, {"key": key("next").did, "custody": "self"}, keys=["shop", "next"])
    )
    said += [made.say("maintenance.performed", "shop", ring(1), WORK, keys=["next"]) for _ in range(count)]
    made.seal()
    return made, said


def revoke(made: Build, since: str, name: str = "shop", **details: Any) -> int:
    index = made.say(
        "key.revoked", "operator", AUTHORITY, {"key": key(name).did, "reason": "compromised", "since": since, **details}
    )
    made.seal()
    return index


def at(made: Build, index: int) -> str:
    """When an entry was recorded."""
    return str(json.loads(made.leaves[index])["recorded_at"])


def test_without_a_compromised_key_nothing_is_said_of_doubt() -> None:
    verdict = audited(busy()[0])
    assert verdict.outcome == "proven"
    assert "doubtful" not in verdict.text()
    assert "doubtful" not in verdict.json()


def test_the_doubtful_entries_are_listed_and_the_log_is_proven() -> None:
    made, said = busy()
    told = revoke(made, at(made, said[2]))
    verdict = audited(made)
    assert (verdict.outcome, verdict.exit_code) == ("proven", 0)
    # From the third entry on, and all that the key said which it added then.
    assert verdict.facts["doubtful"] == said[2:]
    since = {"reason": "compromised", "told": told, "cause": key("shop").did}
    assert verdict.facts["doubtful_keys"] == [
        {"key": key("shop").did, "since": at(made, said[2]), **since},
        {"key": key("next").did, "since": at(made, said[4]), **since},
    ]
    assert f"  doubtful: 6, at leaves {', '.join(map(str, said[2:]))}\n" in verdict.text()
    assert "doubtful_keys" not in verdict.text()
    assert f"note: doubtful: {key('shop').did} was compromised since {at(made, said[2])}" in verdict.text()
    assert f"note: doubtful: {key('next').did} was vouched for at {at(made, said[4])}" in verdict.text()
    assert json.loads(verdict.json())["facts"]["doubtful"] == said[2:]


def test_a_history_lists_the_same_entries_as_the_audit() -> None:
    made, said = busy()
    revoke(made, at(made, said[2]))
    raw = json.dumps(made.history(ring(1))).encode()
    reader = Reader((parse_vkey(made.vkey),), made.now, Memory(None), subject=ring(1))
    verdict = verify(raw, "x", reader)
    of_item = [index for index in audited(made).facts["doubtful"] if index in made.of[ring(1)]]
    assert verdict.facts["doubtful"] == of_item
    assert [one["key"] for one in verdict.facts["doubtful_keys"]] == [key("shop").did, key("next").did]
    assert verdict.exit_code == 0
    assert f"doubtful: {len(of_item)}, at leaves" in verdict.text()


def test_a_key_that_was_added_before_is_not_doubtful() -> None:
    made, said = busy()
    revoke(made, at(made, said[5]))
    assert audited(made).facts.get("doubtful") is None
    assert shown(made, ring(1)).doubtful == ()


def test_what_a_key_says_to_its_own_end_is_doubtful_too() -> None:
    made, said = busy()
    index = made.say("key.revoked", "shop", AUTHORITY, {"key": key("shop").did, "reason": "compromised"})
    made.seal()
    # Without a time: from the revocation on, which the key signed itself.
    assert audited(made).facts["doubtful"] == [index]
    assert index not in said


def test_a_continued_audit_lists_what_a_fresh_one_does(tmp_path: Path) -> None:
    made, said = busy(300)
    vkeys = (parse_vkey(made.vkey),)
    state = Options(vkeys, state=tmp_path / "state")
    source = made.write_ledger(tmp_path / "ledger")
    opened = folder.open_folder(source)
    assert "doubtful" not in audit(opened, state).facts
    opened.close()
    revoke(made, at(made, said[2]))
    made.write_ledger(source)
    opened = folder.open_folder(source)
    continued, fresh = audit(opened, state), audit(opened, Options(vkeys))
    opened.close()
    assert continued.facts == fresh.facts
    assert continued.facts["doubtful"] == said[2:]
    assert "and so on" in continued.text()


def test_the_files_of_a_static_log_are_read_to_the_end_of_a_bundle(tmp_path: Path) -> None:
    made, said = busy()
    revoke(made, at(made, said[2]))
    for _ in range(300):
        made.seal()
    opened = folder.open_folder(made.write_static(tmp_path))
    assert audit(opened, Options((parse_vkey(made.vkey),))).facts["doubtful"] == said[2:]
    opened.close()


class Forgetful(Listed):
    """A source that gives other leaves when it is asked a second time."""

    def __init__(self, made: Build, again: list[bytes] | None) -> None:
        super().__init__(made.leaves, made.note())
        self._again, self._asked = again, 0

    def leaves(self, start: int, stop: int) -> Any:
        self._asked += 1
        if self._asked > 1 and self._again is None:
            raise Unknown("it went away")
        return iter((self._again or [])[start:stop] if self._asked > 1 else super().leaves(start, stop))


def test_what_is_read_again_must_be_what_was_audited() -> None:
    made, said = busy()
    revoke(made, at(made, said[2]))
    other = list(made.leaves)
    other[said[3]] = other[said[2]]
    options = Options((parse_vkey(made.vkey),))
    verdict = audit(Forgetful(made, other), options)
    assert [(one.check, one.index, one.disproved) for one in verdict.findings] == [("bundles", said[3], True)]
    verdict = audit(Forgetful(made, None), options)
    assert [(one.check, one.disproved) for one in verdict.findings] == [("bundles", False)]


def test_beside_a_finding_the_doubt_is_a_note() -> None:
    made, said = busy()
    revoke(made, at(made, said[2]))
    made.put_raw(b'{"key":"' + key("shop").did.encode() + b'"}', [])
    made.seal()
    verdict = audited(made)
    assert verdict.outcome == "disproved"
    assert any(note.startswith("doubtful: ") for note in verdict.notes)


def test_many_doubtful_keys_are_named_to_programs_and_counted_for_people() -> None:
    made = shop()
    last = "shop"
    for number in range(12):
        details = {"key": key(f"key {number}").did, "custody": "self"}
        made.say("key.added", "shop", AUTHORITY, details, keys=[last, f"key {number}"])
        last = f"key {number}"
    revoke(made, times.format_recorded(0))
    verdict = audited(made)
    assert len(verdict.facts["doubtful_keys"]) == 13
    notes = [note for note in verdict.notes if "doubtful" in note]
    assert len(notes) == 9
    assert notes[-1] == "5 more keys are doubtful: --json names them"


@pytest.mark.parametrize(("count", "rest"), [(1, 0), (8, 0), (9, 1)])
def test_eight_doubtful_keys_are_named(count: int, rest: int) -> None:
    found = {str(n): Doubt(f"key {n}", "2026-01-01", f"key {n}", "compromised", n) for n in range(count)}
    notes = doubt_notes(found)
    assert [note.startswith("doubtful: key ") for note in notes] == [True] * (count - rest) + [False] * rest


def test_only_leaves_are_read_again_that_the_keys_can_have_signed() -> None:
    def added(index: int, revoked: int | None) -> Key:
        return Key(party="p", index=index, added_at="", custody="self", revoked=revoked)

    parties = Parties(keys={"a": added(5, 9), "b": added(3, 7), "c": added(4, None), "d": added(1, 19)})
    doubt = Doubt("", "", "", "", None)
    # The entry that revokes a key may be signed by it.
    assert leaves_to_read(parties, {"a": doubt}, 20) == (5, 10)
    assert leaves_to_read(parties, {"a": doubt, "b": doubt}, 20) == (3, 10)
    assert leaves_to_read(parties, {"a": doubt, "c": doubt}, 20) == (4, 20)


def test_a_list_in_a_text_is_counted() -> None:
    assert Verdict("x", (), {"doubtful": []}).text() == "proven: x\n  doubtful: 0"
    assert Verdict("x", (), {"doubtful": list(range(8))}).text().endswith("8, at leaves 0, 1, 2, 3, 4, 5, 6, 7")
    assert Verdict("x", (), {"doubtful": list(range(9))}).text().endswith("5, 6, 7 and so on")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_command_ends_with_0_and_lists_them(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    made, said = busy()
    revoke(made, at(made, said[2]))
    source = str(made.write_ledger(tmp_path))
    assert command.main([source, "--vkey", made.vkey, "--workers", "0", *words]) == 0
    printed = capsys.readouterr().out
    if words:
        assert json.loads(printed)["facts"]["doubtful"] == said[2:]
    else:
        assert "  doubtful: 6, at leaves " in printed


def test_no_leaf_is_read_twice_where_no_key_is_doubtful() -> None:
    made, _ = busy()
    source = Forgetful(made, None)
    assert audit(source, Options((parse_vkey(made.vkey),))).outcome == "proven"
    assert listed(made).checkpoint() == source.checkpoint()
