"""`patina` itself: which subcommand runs, what is printed, and that no error of an input shows a traceback."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ledger import command
from ledger.errors import Disproved, Malformed, PatinaError, Refused, Unavailable, Unknown

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Subcommand:
    """A subcommand that answers what it is told to, and remembers its words."""

    answer: int | BaseException = 0
    module: str = "verifier.cli"
    words: Sequence[str] | None = None

    def load(self) -> Callable[[Sequence[str]], int]:
        return self.run

    def run(self, words: Sequence[str]) -> int:
        self.words = words
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass
class NotInstalled:
    """A subcommand whose module imports something that is not there."""

    missing: str
    module: str

    def load(self) -> Callable[[Sequence[str]], int]:
        raise ModuleNotFoundError(f"No module named {self.missing!r}", name=self.missing)


def declared() -> dict[str, str]:
    """The entry points as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    points: dict[str, str] = project["entry-points"][command.GROUP]
    return points


def test_runs_the_subcommand_with_the_words_after_it() -> None:
    asked, other = Subcommand(answer=7), Subcommand()
    assert command.main(["audit", "var", "--help"], {"audit": asked, "verify": other}) == 7
    assert asked.words == ["var", "--help"]
    assert other.words is None


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_lists_subcommands_without_loading_them(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands: dict[str, command.Command] = {
        "verify": NotInstalled("x", "verifier"),
        "init": NotInstalled("x", "api"),
        "own": Subcommand(),
    }
    assert command.main([word], commands) == 0
    printed, errors = capsys.readouterr()
    assert not errors
    rows = [line.split(maxsplit=1) for line in printed.splitlines() if line.startswith("  ")]
    assert rows == [["init", command.SUMMARIES["init"]], ["verify", command.SUMMARIES["verify"]], ["own"]]


def test_no_word_is_an_error_that_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([], {}) == 2
    printed, errors = capsys.readouterr()
    assert not printed
    assert errors.startswith("usage: patina COMMAND")


def test_version_is_the_declared_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--version"], {}) == 0
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert capsys.readouterr().out in (f"patina {version}\n", "patina (not installed)\n")


def test_version_of_a_folder(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DISTRIBUTION", "no-such-distribution-as-this")
    assert command.main(["--version"], {}) == 0
    assert capsys.readouterr().out == "patina (not installed)\n"


def test_version_of_an_installation(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DISTRIBUTION", "pytest")
    assert command.main(["--version"], {}) == 0
    assert re.fullmatch(r"patina \d+(\.\d+)+\n", capsys.readouterr().out)


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["audti"], {"audit": Subcommand(), "verify": Subcommand()}) == 2
    printed, errors = capsys.readouterr()
    assert not printed
    assert errors == "patina: got the command 'audti', want one of: audit, verify\n"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Disproved("leaf 3: got a, want b", check=6, index=3), 1, "patina audit: leaf 3: got a, want b"),
        (Unknown("got v 2, want 1"), 2, "patina audit: got v 2, want 1"),
        (Malformed("got a float", "/details/price"), 2, "patina audit: got a float (at /details/price)"),
        (Refused("two\nlines\r and a tab\t"), 2, "patina audit: two lines and a tab"),
        (Unavailable("no database"), 2, "patina audit: no database"),
        (FileNotFoundError(2, "No such file or directory", "a.json"), 2, "no such file or directory: a.json"),
        (ConnectionRefusedError(111, "Connection refused"), 2, "patina audit: connection refused"),
        (OSError("timed out"), 2, "patina audit: timed out"),
    ],
)
def test_an_error_is_one_line(
    error: PatinaError | OSError, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["audit"], {"audit": Subcommand(error)}) == code
    printed, errors = capsys.readouterr()
    assert not printed
    assert errors.endswith(f"{line}\n")
    assert errors.count("\n") == 1


def test_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["serve"], {"serve": Subcommand(KeyboardInterrupt())}) == 130
    assert capsys.readouterr() == ("", "")


def test_a_closed_pipe_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["audit"], {"audit": Subcommand(BrokenPipeError(32, "Broken pipe"))}) == 141
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("module", "extra"), [("api.cli", "server"), ("verifier.qr", "qr")])
def test_a_missing_extra_is_named(module: str, extra: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["x"], {"x": NotInstalled("fastapi", module)}) == 2
    assert capsys.readouterr().err == (
        f"patina x: got no module 'fastapi', want patina-ledger installed with its extra [{extra}]\n"
    )


@pytest.mark.parametrize(("missing", "module"), [("api.cli", "api.cli"), ("fastapi", "elsewhere.cli")])
def test_a_broken_installation_is_a_bug(missing: str, module: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        command.main(["x"], {"x": NotInstalled(missing, module)})


def test_a_bug_shows_where_it_is() -> None:
    with pytest.raises(AssertionError):
        command.main(["x"], {"x": Subcommand(AssertionError("the tree grew downwards"))})


def test_words_default_to_the_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["patina", "--version"])
    assert command.main() == 0
    assert capsys.readouterr().out.startswith("patina ")


def test_the_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ledger.command", "audti"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert run.returncode == 2
    assert run.stderr.startswith("patina: got the command 'audti', want one of: ")


def test_every_declared_command_has_a_summary() -> None:
    assert set(declared()) == set(command.SUMMARIES)


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_declared_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    point = EntryPoint(name, declared()[name], command.GROUP)
    with pytest.raises(SystemExit) as left:
        command.main([name, "--help"], {name: point})
    assert left.value.code == 0
    assert f"patina {name}" in capsys.readouterr().out
