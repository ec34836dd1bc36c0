"""Every subcommand has a `--help` with an example, one-line errors, and a QR code that a camera can read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from api.cli import key, party, terminal
from ledger import command as ledger_command

ROOT = Path(__file__).resolve().parents[1]


def helped(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``--help`` prints, on a terminal so wide that nothing is broken."""
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as left:
        ledger_command.main([*words, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(ledger_command.installed()))
def test_help_has_an_example_and_says_what_each_verb_does(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = helped([name], capsys, monkeypatch)
    assert re.search(rf"^example:\n  patina {name} ", said, re.MULTILINE)
    listed = re.match(rf"usage: patina {name} \[-h\] ([a-z|-]+) \.\.\.\n", said)
    for verb in listed[1].split("|") if listed else ():
        told = helped([name, verb], capsys, monkeypatch)
        assert re.search(r"\n\n[A-Zp].*[.:]", told), "no line that says what it does"
        assert "``" not in told


@pytest.mark.parametrize(
    ("command", "verb", "about"),
    [(party, "add", "Register a party"), (key, "add", "Add a signing key"), (key, "list", "List signing keys")],
)
def test_help_of_a_verb_says_what_it_does(
    command: Any, verb: str, about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main([verb, "--help"])
    assert about in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--dir", "{none}"],
        ["import", "open-repair", "{none}.csv"],
        ["party", "list", "--dir", "{none}"],
        ["init", "--dir", "{none}", "--origin", "no good"],
        ["serve", "--port", "99999"],
        ["init"],
    ],
)
def test_an_error_is_one_line_and_exit_code_2(tmp_path: Path, words: list[str]) -> None:
    words = [word.replace("{none}", str(tmp_path / "none")) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "ledger.command", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert re.match(
        rf"patina {words[0]}: .|usage: ", done.stderr.splitlines()[-1] if "usage" not in done.stderr else "usage: "
    )


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/i/AAAAAAAAAAAAAAAAAAAAAA", "x"])
def test_the_qr_code_in_a_terminal_can_be_read(address: str, colour: bool) -> None:
    text = terminal.qr_text(address, colour=colour)
    rows = []
    for line in text.split("\n"):
        cells = re.sub(r"\x1b\[[0-9;]*m", "", line)
        # What a character inks is dark on the white of a coloured code, and light on the black of a plain one.
        rows.append([(cell in "▀█") is colour for cell in cells])
        rows.append([(cell in "▄█") is colour for cell in cells])
    image = Image.new("1", (len(rows[0]), len(rows)), 1)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            image.putpixel((x, y), 0 if dark else 1)
    large = image.resize((image.width * 6, image.height * 6)).convert("L")
    (found,) = zxingcpp.read_barcodes(large)
    assert (found.text, found.ec_level) == (address, "M")


def test_a_private_file_is_never_replaced(tmp_path: Path) -> None:
    terminal.keep_private(tmp_path / "secret", "one")
    with pytest.raises(FileExistsError):
        terminal.keep_private(tmp_path / "secret", "two")
    assert (tmp_path / "secret").read_text() == "one"
