"""The commands of the verifier as they are typed: what they print, and their exit codes."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger import command
from ledger.dsse import SigningKey, check_signature
from ledger.leaf import statement_bytes, statement_from
from ledger.note import make_vkey
from tests.answering import files, served
from tests.build import Build, ring, uuid
from tests.test_audit_checks import WORK, made
from verifier.cli import audit, keygen, progress, qr, sign, verify

OTHER = SigningKey.from_seed(bytes(range(32))).public
COMMANDS = {"audit": audit.main, "keygen": keygen.main, "sign": sign.main, "verify": verify.main, "qr": qr.main}


class _Installed:
    """A command as the entry points give it."""

    def __init__(self, name: str) -> None:
        self.module = COMMANDS[name].__module__
        self._name = name

    def load(self) -> Any:
        return COMMANDS[self._name]


def patina(*words: object) -> int:
    """The exit code of a command line."""
    return command.main([str(word) for word in words], {name: _Installed(name) for name in COMMANDS})


@pytest.fixture
def ledger() -> Build:
    """A ledger with one item."""
    return made()


def _write(folder: Path, name: str, value: Any) -> Path:
    (folder / name).write_text(json.dumps(value))
    return folder / name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        patina(name, "--help")
    assert stopped.value.code == 0
    assert f"usage: patina {name}" in capsys.readouterr().out


# audit


def test_audit_proves_a_folder(ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.write_ledger(tmp_path)
    assert patina("audit", tmp_path, "--vkey", ledger.vkey, "--workers", 0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"proven: ledger.example/test, {ledger.size} leaves"
    assert f"  size: {ledger.size}" in lines


def test_audit_proves_an_address_and_answers_in_json(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("pk_secret\n")
    with served(files(ledger.write_static(tmp_path))) as address:
        words = [address, "--vkey", ledger.vkey, "--json", "--api-key-file", tmp_path / "key", "--workers", 1]
        assert patina("audit", *words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["findings"], answer["facts"]["size"]) == ("proven", [], ledger.size)


def test_audit_says_what_is_wrong_where_and_why(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])
    ledger.seal()
    ledger.write_static(tmp_path)
    assert patina("audit", tmp_path, "--vkey", ledger.vkey) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("disproved: ")
    assert lines[1].startswith(f"  leaf {index}, authority: got a signature by a key that is not in force")
    assert patina("audit", tmp_path, "--vkey", ledger.vkey, "--json") == 1
    finding = json.loads(capsys.readouterr().out)["findings"][0]
    assert (finding["check"], finding["index"], finding["severity"]) == ("authority", index, "disproved")


def test_audit_continues_with_a_state(ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--vkey", ledger.vkey, "--state", tmp_path / "state", "--seals", "last", "--no-signatures"]
    assert patina("audit", ledger.write_ledger(tmp_path / "ledger"), *words) == 0
    size = ledger.size
    ledger.seal()
    assert patina("audit", ledger.write_ledger(tmp_path / "ledger"), *words) == 0
    out = capsys.readouterr().out
    assert f"note: continued from {size} leaves audited before" in out
    assert "note: signatures were not checked" in out
    assert "note: only the last seal was recomputed" in out


@pytest.mark.parametrize(
    "words", [["nowhere"], ["ftp://x"], ["http://127.0.0.1:1/", "--state", "x", "--api-key-file", "nowhere"]]
)
def test_audit_of_nothing_could_not_be_told(
    ledger: Build, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert patina("audit", *words, "--vkey", ledger.vkey) == 2
    assert capsys.readouterr().err.startswith("patina audit: ")


def test_a_vkey_out_of_form_is_a_wrong_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        patina("audit", tmp_path, "--vkey", "nonsense")
    assert stopped.value.code == 2
    assert "want name+8 hex digits+base64" in capsys.readouterr().err


# verify


def test_verify_proves_receipts_and_histories(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = _write(tmp_path, "receipt.json", ledger.receipt(7))
    history = _write(tmp_path, "history.json", ledger.history(ring(1)))
    state = tmp_path / "state.json"
    policy = tmp_path / "policy"
    policy.write_text(f"log {ledger.vkey}\nquorum none\n")
    words = ["--vkey", ledger.vkey, "--state", state, "--subject", ring(1), "--trust", policy]
    assert patina("verify", receipt, history, *words) == 0
    out = capsys.readouterr().out
    assert f"proven: receipt {receipt}: item.registered stands at index 7 of ledger.example/test" in out
    assert f"proven: history {history}: all 3 entries about {ring(1)} as of" in out
    assert ring(1) in state.read_text()


def test_verify_answers_in_json(ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt = _write(tmp_path, "receipt.json", ledger.receipt(7))
    assert patina("verify", receipt, "--vkey", ledger.vkey, "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "proven"
    assert patina("verify", receipt, receipt, "--vkey", ledger.vkey, "--json") == 0
    assert [answer["verdict"] for answer in json.loads(capsys.readouterr().out)] == ["proven", "proven"]


def test_verify_understands_a_digital_link(ledger: Build, tmp_path: Path) -> None:
    history = _write(tmp_path, "history.json", ledger.history(ring(1)))
    link = "https://shop.example/01/9520123456788/21/R1?x=y"
    assert patina("verify", history, "--vkey", ledger.vkey, "--subject", link) == 0
    with pytest.raises(SystemExit):
        patina("verify", history, "--vkey", ledger.vkey, "--subject", "https://shop.example/ring")


def test_verify_names_every_form_of_a_subject(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = _write(tmp_path, "history.json", ledger.history(ring(1)))
    with pytest.raises(SystemExit):
        patina("verify", history, "--vkey", ledger.vkey, "--subject", "toaster")
    said = capsys.readouterr().err
    for form in ("'toaster'", "urn:uuid:", "id.gs1.org/01/", "id.gs1.org/8004/", "GS1 Digital Link"):
        assert form in said


def test_verify_says_whose_checkpoint_it_is_and_whose_key_was_given(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = _write(tmp_path, "history.json", ledger.history(ring(1)))
    receipt = _write(tmp_path, "receipt.json", ledger.receipt(7))
    other = str(make_vkey("other.example/log", OTHER))
    for document in (history, receipt):
        assert patina("verify", document, "--vkey", other) == 1
        said = capsys.readouterr().out
        assert "check 1: got a checkpoint of ledger.example/test, want one of other.example/log" in said
    namesake = make_vkey("ledger.example/test", OTHER)
    assert patina("verify", history, "--vkey", namesake) == 1
    assert f"want one of ledger.example/test+{namesake.key_id.hex()}" in capsys.readouterr().out


def test_verify_says_what_a_proof_to_another_root_means(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = _write(tmp_path, "receipt.json", ledger.receipt(7)).read_text()
    forged = tmp_path / "forged.json"
    forged.write_text(raw.replace("item.registered", "item.registerex"))
    assert patina("verify", forged, "--vkey", ledger.vkey) == 1
    assert "these bytes do not stand in the log at this index" in capsys.readouterr().out


def test_verify_says_what_could_not_be_told(ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = _write(tmp_path, "history.json", ledger.history(ring(1)))
    words = ["--vkey", ledger.vkey, "--state", tmp_path / "state.json"]
    assert patina("verify", history, *words, "--owner-code", "short") == 2
    assert "\n  owner code: got " in capsys.readouterr().out
    assert patina("verify", history, *words) == 0
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    later = _write(tmp_path, "later.json", ledger.history(ring(1)))
    assert patina("verify", later, *words) == 2
    assert "\n  check 12: that the log of" in capsys.readouterr().out
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "checkpoint").write_text("gone")
    assert patina("verify", later, *words, "--log", tmp_path / "log") == 2
    assert "\n  log: " in capsys.readouterr().out


def test_verify_tells_what_is_disproved_from_what_could_not_be_told(
    ledger: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = _write(tmp_path, "good.json", ledger.history(ring(1)))
    strange = _write(tmp_path, "strange.json", {"hello": "world"})
    assert patina("verify", good, strange, "--vkey", ledger.vkey) == 2
    assert patina("verify", good, strange, "--vkey", ledger.vkey, "--subject", ring(2)) == 1
    assert "  check 11: got the history of" in capsys.readouterr().out
    assert patina("verify", tmp_path / "nowhere", "--vkey", ledger.vkey) == 2
    assert patina("verify", good, "--vkey", ledger.vkey, "--owner-code", "short") == 2
    assert patina("verify", good, "--vkey", ledger.vkey, "--attachment", strange) == 1


def test_verify_proves_growth_from_the_log(ledger: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state.json"
    words = ["--vkey", ledger.vkey, "--state", state]
    assert patina("verify", _write(tmp_path, "a.json", ledger.history(ring(1))), *words) == 0
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    later = _write(tmp_path, "b.json", ledger.history(ring(1)))
    assert patina("verify", later, *words) == 2
    assert patina("verify", later, *words, "--log", ledger.write_ledger(tmp_path / "log")) == 0

    class Input:
        buffer = io.BytesIO(later.read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    assert patina("verify", "-", *words) == 0


def test_documents_are_bounded(ledger: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MAX_DOCUMENT", 100)
    assert patina("verify", _write(tmp_path, "a.json", ledger.history(ring(1))), "--vkey", ledger.vkey) == 2


# keygen and sign


def test_a_key_is_made_and_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.key"
    assert patina("keygen", "--out", file) == 0
    did = capsys.readouterr().out.strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SigningKey.from_seed(bytes.fromhex(file.read_text().strip())).did == did
    assert patina("keygen", "--out", file) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert patina("keygen", "--out", tmp_path / "other.key", "--json") == 0
    other = json.loads(capsys.readouterr().out)["did"]

    statement = {"type": "maintenance.performed", "subjects": [ring(1)], "party": uuid("shop"), "details": WORK}
    draft = _write(tmp_path, "draft.json", statement)
    words = ["--key", file, "--key", tmp_path / "other.key", "--id", "new", "--occurred-at", "now"]
    words += ["--ledger", "ab" * 32]
    assert patina("sign", draft, *words, "--json") == 0
    posted = json.loads(capsys.readouterr().out)
    assert posted["statement"] | statement == posted["statement"]
    assert posted["statement"]["ledger"] == "ab" * 32
    body = statement_bytes(statement_from(posted["statement"]))
    assert [signature["key"] for signature in posted["signatures"]] == [did, other]
    for signature in posted["signatures"]:
        check_signature(signature["key"], body, signature["sig"])


def test_the_id_that_is_made_is_a_uuid_of_the_time(tmp_path: Path) -> None:
    # RFC 9562 appendix A.6: 2022-02-22T19:22:22Z is 0x017F22E279B0 milliseconds.
    made_id = sign._new_id(0x017F22E279B0 * 1000)
    assert made_id.startswith("urn:uuid:017f22e2-79b0-7")
    assert made_id[28] in "89ab"
    assert sign._new_id(0) != sign._new_id(0)


SIGNED = {
    "id": uuid("x"),
    "type": "maintenance.performed",
    "subjects": [ring(1)],
    "party": uuid("shop"),
    "occurred_at": "2026-01-01T00:00:00Z",
    "details": WORK,
}


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        ([], "want a statement"),
        ({**SIGNED, "details": {}}, "got no work"),
        ({**SIGNED, "details": {**WORK, "mood": "good"}}, "does not have (at /details/mood)"),
        ({**SIGNED, "subjects": []}, "(at /subjects)"),
        ({**SIGNED, "type": "item.engraved"}, "item.engraved"),
        ({**SIGNED, "details": {**WORK, "x": 1.5}}, "want"),
    ],
)
def test_what_the_ledger_would_refuse_is_not_signed(
    tmp_path: Path, draft: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("ab" * 32)
    assert patina("sign", _write(tmp_path, "draft.json", draft), "--key", tmp_path / "key") == 2
    shown = capsys.readouterr()
    assert why in shown.err
    assert "ab" * 32 not in shown.err + shown.out


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "é", "ab" * 500])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    assert patina("sign", _write(tmp_path, "draft.json", SIGNED), "--key", tmp_path / "key") == 2


def test_what_is_given_in_the_file_is_signed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key").write_text(key_seed := "cd" * 32)
    words = ["--id", uuid("y"), "--occurred-at", "2026-01-02T00:00:00+08:00"]
    assert patina("sign", _write(tmp_path, "draft.json", SIGNED), "--key", tmp_path / "key", *words) == 0
    shown = capsys.readouterr().out
    posted = json.loads(shown)["statement"]
    assert posted == {**SIGNED, "id": uuid("y"), "occurred_at": "2026-01-02T00:00:00+08:00"}
    assert key_seed not in shown


# Progress.


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress.progress("auditing", io.StringIO()) as tell:
        assert tell is None
    with progress.progress("auditing") as tell:
        assert tell is None  # under pytest, standard error is no terminal
    shown = _Terminal()
    with progress.progress("auditing", shown) as tell:
        assert tell is not None
        tell(1, 2)
    assert shown.getvalue()


def test_progress_without_rich_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    shown = _Terminal()
    with progress.progress("auditing", shown) as tell:
        assert tell is not None
        for done in (0, 1, 1001, 2000):
            tell(done, 2000)
        tell(0, 0)
    assert "\rauditing 1,001 of 2,000 (50 %)" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")
    assert shown.getvalue().count("(0 %)") == 2
