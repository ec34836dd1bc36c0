"""`patina init`, `migrate`, `party` and `key`, as an operator at a terminal meets them."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from api.cli import folder, init, key, migrate, party, rebuild, terminal
from ledger import dsse, leaf, times
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey
from ledger.errors import Forbidden, Invalid, PatinaError, Refused, Unavailable
from verifier.cli import keygen, sign

ORIGIN = "cli.example/log"
OWN = SigningKey.from_seed(bytes(range(32)))
NEXT = SigningKey.from_seed(bytes(range(1, 33)))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder with a new ledger."""
    init.create(tmp_path / "var", ORIGIN, name="CLI ledger")
    return tmp_path / "var"


class Terminal:
    """Runs a command on one folder and gives what it printed, parsed where it is JSON."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self._capsys = directory, capsys

    def text(self, command: Any, *words: str) -> str:
        assert command.main([*words, "--dir", str(self.directory)]) == 0
        return str(self._capsys.readouterr().out)

    def json(self, command: Any, *words: str) -> Any:
        return json.loads(self.text(command, *words, "--json"))


@pytest.fixture
def at(directory: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(directory, capsys)


def test_init_prints_vkey_and_key_once_and_keeps_the_master_key_private(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init.main(["--dir", str(tmp_path / "new"), "--origin", ORIGIN]) == 0
    output = capsys.readouterr().out
    assert re.search(rf"vkey     {ORIGIN}\+[0-9a-f]{{8}}\+\S{{44}}\n", output)
    secret = re.search(r"API key  (pk_\S+) \(shown only now\)\n", output)
    assert secret
    assert stat.S_IMODE((tmp_path / "new" / folder.MASTER_KEY).stat().st_mode) == 0o600
    with folder.opened(tmp_path / "new") as ledger:
        assert ledger.reader.checkpoint().startswith(ORIGIN + "\n")
        found = ledger.access.find_api_key(secret[1])
        assert found is not None
        assert found.party == ledger.operator
        kinds = [leaf.parse_leaf(ledger.reader.leaf(index) or b"") for index in range(2)]
        assert [type(one).__name__ for one in kinds] == ["Entry", "Seal"]


def test_nobody_else_reads_the_database(directory: Path) -> None:
    with folder.opened(directory):
        files = sorted(directory.glob(f"{folder.DATABASE}*"))
        assert [path.name.removeprefix(folder.DATABASE) for path in files] == ["", "-shm", "-wal"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_init_takes_the_master_key_of_the_environment_and_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATINA_MASTER_KEY", "ab" * 32)
    assert init.main(["--dir", str(tmp_path / "new"), "--origin", ORIGIN, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert list(made) == ["origin", "vkey", "operator"]
    assert not (tmp_path / "new" / folder.MASTER_KEY).exists()
    monkeypatch.delenv("PATINA_MASTER_KEY")
    with pytest.raises(Unavailable, match=r"master\.key"), folder.opened(tmp_path / "new"):
        pass


def test_init_refuses_a_folder_that_has_a_ledger(directory: Path) -> None:
    before = (directory / folder.MASTER_KEY).read_bytes()
    with pytest.raises(Refused, match="holds a ledger"):
        init.main(["--dir", str(directory), "--origin", "other.example/log"])
    assert (directory / folder.MASTER_KEY).read_bytes() == before


@pytest.mark.parametrize(("held", "told"), [(["setup.py"], "setup.py;"), ([".git", "a", "b"], r"\.git and 2 more;")])
def test_init_refuses_a_folder_that_holds_anything(tmp_path: Path, held: list[str], told: str) -> None:
    for name in held:
        (tmp_path / name).touch()
    with pytest.raises(Refused, match=f"which holds {told} want an empty or a new folder"):
        init.main(["--dir", str(tmp_path), "--origin", ORIGIN])
    assert sorted(path.name for path in tmp_path.iterdir()) == held
    with pytest.raises(Refused, match="which is a file"):
        init.main(["--dir", str(tmp_path / held[0]), "--origin", ORIGIN])


def test_init_goes_on_from_the_master_key_of_one_that_was_interrupted(tmp_path: Path) -> None:
    MasterKey.create(tmp_path / folder.MASTER_KEY)
    assert init.create(tmp_path, ORIGIN)["origin"] == ORIGIN


@pytest.mark.parametrize("origin", ["", "a b", "https://a.example/log", "a+b", "/log", "a/", "x" * 300, "a.example/\n"])
def test_init_refuses_an_origin_out_of_form(tmp_path: Path, origin: str) -> None:
    with pytest.raises(Invalid, match="origin"):
        init.create(tmp_path / "new", origin)
    assert not (tmp_path / "new").exists()


def test_migrate_has_nothing_to_do_on_a_new_ledger(at: Terminal) -> None:
    said = at.json(migrate)
    assert said["before"] == said["after"]
    assert at.text(migrate) == f"nothing to do: at {said['after']}\n"


def test_rebuild_makes_again_what_is_searched(at: Terminal) -> None:
    said = at.json(rebuild)
    assert (said["items"], said["rows"]) == (0, 0)
    assert said["statements"] > 0
    assert re.fullmatch(r"made again from \d+ statements: 0 items, 0 rows of work lists \(.*\)\n", at.text(rebuild))


def test_commands_say_where_there_is_no_ledger(tmp_path: Path) -> None:
    for command in (migrate, rebuild, party, key):
        words = [] if command in {migrate, rebuild} else ["list"]
        with pytest.raises(PatinaError, match=r"no ledger|got no "):
            command.main([*words, "--dir", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


def test_a_party_in_custody_can_speak_at_once(at: Terminal) -> None:
    made = at.json(party, "add", "Corner 角落 Workshop", "--role", "repairer", "--role", "retailer", "--country", "GB")
    assert list(made) == ["id", "name", "roles", "key", "api_key"]
    with folder.opened(at.directory) as ledger:
        signer = ledger.access.party_signer(made["id"])
        assert signer is not None
        assert signer.did == made["key"]
        assert ledger.view.parties.in_force(made["key"], made["id"])
        found = ledger.access.find_api_key(made["api_key"])
        assert found is not None
        assert found.party == made["id"]
    (row,) = [one for one in at.json(party, "list") if one["id"] == made["id"]]
    assert (row["name"], row["roles"], row["country"]) == ("Corner 角落 Workshop", ["repairer", "retailer"], "GB")
    assert "Corner 角落 Workshop  repairer retailer  1" in at.text(party, "list")


def test_a_name_is_registered_twice_only_on_demand(at: Terminal) -> None:
    words = ("add", "Corner Workshop", "--role", "repairer")
    first = at.json(party, *words)
    for name in ("Corner Workshop", "corner workshop"):
        with pytest.raises(Refused, match=rf"which {first['id']} has; --another"):
            party.main(["add", name, "--role", "retailer", "--dir", str(at.directory)])
    assert len(at.json(party, "list")) == 2
    assert at.json(party, *words, "--another")["id"] != first["id"]
    assert len(at.json(party, "list")) == 3


def test_a_party_with_its_own_key_speaks_once_that_key_has_signed(at: Terminal, tmp_path: Path) -> None:
    made = at.json(party, "add", "Own Key", "--role", "certifier", "--custody", "self", "--did", OWN.did)
    with folder.opened(at.directory) as ledger:
        assert not ledger.view.parties.in_force(OWN.did, made["id"])
    signed = co_sign(tmp_path, made["to_sign"], OWN)
    assert at.json(key, "add", "--signed", signed)["key"] == OWN.did
    with folder.opened(at.directory) as ledger:
        assert ledger.view.parties.in_force(OWN.did, made["id"])
        assert ledger.access.party_signer(made["id"]) is None
    # From here on the operator adds no key for it: the party signs itself, with the old key and the new one.
    statement = at.json(key, "add", "--party", "Own Key", "--did", NEXT.did)
    assert statement["party"] == made["id"]
    alone = co_sign(tmp_path, statement, NEXT)
    with pytest.raises((Forbidden, Refused, Invalid)):
        key.main(["add", "--signed", alone, "--dir", str(at.directory)])
    both = co_sign(tmp_path, statement, NEXT, OWN)
    assert at.json(key, "add", "--signed", both)["key"] == NEXT.did


def co_sign(tmp_path: Path, value: dict[str, Any], *keys: SigningKey) -> str:
    """A file with the statement and these signatures, as `patina sign` writes it."""
    body = leaf.statement_bytes(leaf.statement_from(value))
    path = tmp_path / f"signed-{len(keys)}.json"
    path.write_text(json.dumps({"statement": value, "signatures": [dsse.sign_statement(body, one) for one in keys]}))
    return str(path)


def test_a_new_key_that_did_not_sign_is_not_added(at: Terminal, tmp_path: Path) -> None:
    made = at.json(party, "add", "Own Key", "--role", "certifier", "--custody", "self", "--did", OWN.did)
    for forged in (co_sign(tmp_path, made["to_sign"]), co_sign(tmp_path, made["to_sign"], NEXT)):
        with pytest.raises((Invalid, Refused)):
            key.main(["add", "--signed", forged, "--dir", str(at.directory)])
    with folder.opened(at.directory) as ledger:
        assert not ledger.view.parties.is_key(OWN.did)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"statement": 1, "signatures": []}', '{"statement": {}, "signatures": 1}']
)
def test_a_signed_file_out_of_form_is_refused(at: Terminal, tmp_path: Path, content: str) -> None:
    path = tmp_path / "signed.json"
    path.write_text(content)
    with pytest.raises(PatinaError):
        key.main(["add", "--signed", str(path), "--dir", str(at.directory)])


def test_only_key_added_is_taken_from_a_file(at: Terminal, tmp_path: Path) -> None:
    with folder.opened(at.directory) as ledger:
        value = folder.value_of(
            ledger, ledger.operator, "party.suspended", [ledger.operator + "#authority"], {"reason": "x"}
        )
    path = tmp_path / "signed.json"
    path.write_text(json.dumps({"statement": value, "signatures": []}))
    with pytest.raises(Invalid, match=r"want key\.added"):
        key.main(["add", "--signed", str(path), "--dir", str(at.directory)])


def test_a_key_is_added_in_custody_revoked_and_listed(at: Terminal) -> None:
    made = at.json(party, "add", "Corner", "--role", "repairer")
    second = at.json(key, "add", "--party", "Corner")["key"]
    at.text(key, "revoke", "--did", made["key"], "--reason", "compromised", "--since", "2026-01-01T00:00:00Z")
    listed = {one["key"]: one for one in at.json(key, "list", "--party", made["id"])["keys"]}
    assert (listed[made["key"]]["in_force"], listed[made["key"]]["reason"]) == (False, "compromised")
    assert listed[second]["in_force"]
    with folder.opened(at.directory) as ledger:
        signer = ledger.access.party_signer(made["id"])
        assert signer is not None
        assert signer.did == second
        assert made["key"] not in {one.did for one in ledger.access.party_keys()}
    with pytest.raises(Refused):
        key.main(["revoke", "--did", made["key"], "--dir", str(at.directory)])


def test_an_api_key_is_made_and_revoked(at: Terminal) -> None:
    at.text(party, "add", "Corner", "--role", "repairer")
    secret = at.json(key, "api", "--party", "Corner", "--scope", "read", "--label", "till 2")["api_key"]
    (listed,) = [one for one in at.json(key, "list")["api_keys"] if one["label"] == "till 2"]
    assert at.text(key, "revoke", "--api", listed["id"]) == f"API key {listed['id']} is revoked\n"
    with folder.opened(at.directory) as ledger:
        assert ledger.access.find_api_key(secret) is None
    with pytest.raises(Refused, match="unknown or revoked"):
        key.main(["revoke", "--api", listed["id"], "--dir", str(at.directory)])
    with pytest.raises(Refused, match="admin"):
        key.main(["api", "--party", "Corner", "--scope", "admin", "--dir", str(at.directory)])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (party, ["add", "X", "--role", "repairer", "--custody", "self"]),
        (party, ["add", "X", "--role", "repairer", "--did", OWN.did]),
        (party, ["add", "X", "--role", "repairer", "--country", "gb"]),
        (party, ["add", "X", "--role", "repairer", "--custody", "self", "--did", "did:key:z6Mk"]),
        (key, ["add"]),
        (key, ["add", "--party", "nobody"]),
        (key, ["add", "--party", "X", "--signed", "f"]),
        (key, ["revoke"]),
        (key, ["revoke", "--did", OWN.did]),
        (key, ["revoke", "--did", OWN.did, "--api", "1"]),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(at: Terminal, command: Any, words: list[str]) -> None:
    with folder.opened(at.directory) as ledger:
        size = ledger.reader.size()
    with pytest.raises(PatinaError):
        command.main([*words, "--dir", str(at.directory)])
    with folder.opened(at.directory) as ledger:
        assert ledger.reader.size() == size


def test_a_name_that_two_parties_have_does_not_choose(at: Terminal) -> None:
    for _ in range(2):
        at.text(party, "add", "Twin", "--role", "repairer", "--another")
    with pytest.raises(Refused, match="2 parties"):
        key.main(["add", "--party", "Twin", "--dir", str(at.directory)])


def test_ids_are_uuids_of_version_7_and_grow_with_time() -> None:
    first, later = folder.new_uuid(1_700_000_000_000_000), folder.new_uuid(1_700_000_000_002_000)
    assert re.fullmatch(r"urn:uuid:018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first)
    assert first < later


def test_columns_count_han_characters_as_two() -> None:
    assert terminal.table(("a", "b"), [("角落", "x"), ("four", "y")]) == "a     b\n角落  x\nfour  y"


def test_the_transcript_of_help_adds_a_key_that_is_kept_elsewhere(
    at: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at.text(party, "add", "Corner", "--role", "repairer")
    assert keygen.main(["--out", str(tmp_path / "workshop.key")]) == 0
    did = capsys.readouterr().out.strip()
    (tmp_path / "to-sign.json").write_text(at.text(key, "add", "--party", "Corner", "--did", did))
    assert sign.main([str(tmp_path / "to-sign.json"), "--key", str(tmp_path / "workshop.key")]) == 0
    (tmp_path / "signed.json").write_text(capsys.readouterr().out)
    said = at.text(key, "add", "--signed", str(tmp_path / "signed.json"))
    assert re.fullmatch(rf"key {did} of urn:uuid:\S+ is in force\n", said)
    assert re.search(rf"^{did}  Corner +self custody +in force$", at.text(key, "list"), re.MULTILINE)


def test_after_a_day_of_sleep_the_operator_is_asked(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    later = folder.now_us() + 2 * times.DAY
    monkeypatch.setattr(folder, "now_us", lambda: later)
    with pytest.raises(Unavailable, match=r"clock .*--accept-clock"):
        party.main(["add", "Late", "--role", "repairer", "--dir", str(at.directory)])
    assert at.json(party, "add", "Late", "--role", "repairer", "--accept-clock")["name"] == "Late"


def test_the_same_commands_work_on_postgresql(
    tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "var"
    assert init.main(["--dir", str(directory), "--origin", ORIGIN, "--database-url", empty_postgres]) == 0
    monkeypatch.setenv(folder.DATABASE_NAME, empty_postgres)
    assert "PATINA_DATABASE_URL" in capsys.readouterr().out
    at = Terminal(directory, capsys)
    assert at.json(party, "add", "Corner", "--role", "repairer")["name"] == "Corner"
    assert [one["name"] for one in at.json(party, "list")] == [ORIGIN, "Corner"]
    assert not (directory / folder.DATABASE).exists()
    with pytest.raises(Refused, match="holds a ledger"):
        init.main(["--dir", str(directory), "--origin", ORIGIN])
