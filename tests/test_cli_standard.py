"""``patina standard``: what it lists, shows and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from api.cli import standard
from ledger.command import main
from ledger.errors import Invalid, Malformed
from ledger.standards import NAMES, template


def answered(capsys: pytest.CaptureFixture[str], *given: str) -> str:
    assert standard.main(list(given)) == 0
    return capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line.split()[0] for line in answered(capsys, "list").splitlines()[1:]] == list(NAMES)
    listed = json.loads(answered(capsys, "list", "--json"))["standards"]
    assert [one["standard"] for one in listed] == list(NAMES)


def test_show_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(answered(capsys, "show", "eu")) == template("eu")
    assert json.loads(answered(capsys, "show", "eu", "--json")) == template("eu")


def test_show_several_as_one_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = answered(capsys, "show", "jewellery", "eu", "--words", "zh-Hant")
    assert text.startswith("珠寶首飾售後服務 + 歐盟保固與退貨：jewellery (")
    assert "自收到商品起 24 個月" in text
    told = json.loads(answered(capsys, "show", "jewellery", "eu", "--words", "zh-Hant", "--json"))
    assert told == {"language": "zh-Hant", "words": text.rstrip("\n")}


def test_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Invalid, match="want one of consumer-goods"):
        standard.main(["show", "de"])
    with pytest.raises(SystemExit):
        standard.main(["show", "eu", "--words", "de"])


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(template("eu"), indent=3), "utf-8")
    assert answered(capsys, "check", str(file)).startswith("eu (2026-11) is a standard of 0 limits and ")
    assert json.loads(answered(capsys, "check", str(file), "--json")) == template("eu")
    assert "24 months" in answered(capsys, "check", str(file), "--words", "en")


def test_check_says_where_it_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ours.json"
    file.write_text('{"standard": "ours", "version": "1", "limits": [{"clock": "reply"}]}')
    assert main(["standard", "check", str(file)], {"standard": Loaded()}) == 2
    told = capsys.readouterr().err.splitlines()
    places = ["/limits/0/within)", "/limits/0/source)", "/limits/0/clock)"]
    assert [line.partition("(at ")[2] for line in told] == places
    file.write_text('{"standard": "ours", "version": "1", "outer": {"within": {"days": 1.5}}}')
    with pytest.raises(Malformed):
        standard.main(["check", str(file)])
    file.write_bytes(b" " * 200_000)
    with pytest.raises(Invalid, match="got a file of more than 128000 bytes"):
        standard.main(["check", str(file)])


def test_the_schema_is_printed_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(answered(capsys, "schema"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["standard", "version"]


class Loaded:
    """The subcommand, as an entry point would be."""

    module = "api.cli.standard"

    def load(self) -> Callable[[Sequence[str]], int]:
        return standard.main
