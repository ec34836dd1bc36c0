"""``patina report``: made by an auditor without the server, and made again; the first figure that differs is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.command import main
from ledger.errors import Unknown
from ledger.merkle import EMPTY_ROOT
from ledger.note import parse_vkey
from ledger.report_ask import parse_ask
from ledger.reports.spooled import Work
from tests.answering import files, served
from tests.build import Build, uuid
from tests.reported import written
from verifier.figures import difference, make
from verifier.folder import open_folder


@pytest.fixture(scope="module")
def made() -> Build:
    return written()


@pytest.fixture(scope="module")
def folder(made: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_ledger(tmp_path_factory.mktemp("verify") / "ledger")


@pytest.fixture(scope="module")
def report(made: Build, folder: Path) -> Path:
    path = folder.parent / "report.json"
    words = ["--dir", str(folder), "--vkey", made.vkey, "--period", "2026-Q3", "--by", "fault,channel"]
    assert main(["report", *words, "--out", str(path)]) == 0
    return path


def verified(report: Path, folder: Path | str, made: Build, capsys: Any, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the verdict of a report counted again."""
    capsys.readouterr()
    code = main(["report", "--verify", str(report), str(folder), "--vkey", made.vkey, "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def changed(report: Path, tmp_path: Path, change: Any) -> Path:
    """A copy of the report with something changed."""
    document = json.loads(report.read_bytes())
    change(document)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    return path


def test_a_report_counts_again_to_the_same_bytes(report: Path, folder: Path, made: Build, capsys: Any) -> None:
    code, verdict = verified(report, folder, made, capsys)
    assert (code, verdict["verdict"]) == (0, "proven")
    assert verdict["facts"] == {
        "origin": made.origin, "size": made.size, "as_of": verdict["facts"]["as_of"], "period": "2026-Q3", "cases": 3,
    }  # fmt: skip


def test_it_counts_again_also_when_the_log_has_grown(report: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    grown = written()
    grown.item("https://id.gs1.org/01/09520123456788/21/NEW")
    grown.seal()
    assert grown.leaves[: made.size] == made.leaves
    code, verdict = verified(report, grown.write_static(tmp_path / "static"), made, capsys)
    assert (code, verdict["facts"]["size"]) == (0, made.size)


def test_it_counts_again_from_an_address(report: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    with served(files(made.write_static(tmp_path / "static"))) as address:
        code, verdict = verified(report, address, made, capsys)
    assert (code, verdict["verdict"]) == (0, "proven")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda report: report["figures"].update(cases=2), "/figures/cases: the report says 2, the entries give 3"),
        (lambda report: report["groups"].pop(), "/groups: the report says 3 rows, the entries give 4 rows"),
        (lambda report: report.update(size=7), "/size: the report says 7, the entries give"),
        (lambda report: report["figures"].pop("sold"), "/figures/sold: the report says nothing, the entries give 0"),
        (
            lambda report: report["trend"][0]["figures"]["survey"]["response"].update(count=9),
            "/trend/0/figures/survey/response/count: the report says 9",
        ),
    ],
)
def test_the_first_figure_that_differs_is_named(
    *, change: Any, why: str, report: Path, folder: Path, made: Build, capsys: Any, tmp_path: Path
) -> None:
    code, verdict = verified(changed(report, tmp_path, change), folder, made, capsys)
    assert (code, verdict["findings"][0]["check"]) == (1, "figure")
    assert why in verdict["findings"][0]["why"]


@pytest.mark.parametrize(
    ("change", "code", "check"),
    [
        (lambda report: report.update(format="patina/report/v9"), 2, "version"),
        (lambda report: report.update(format="patina/history/v1"), 1, "form"),
        (lambda report: report.pop("format"), 1, "form"),
        (lambda report: report.pop("checkpoint"), 1, "form"),
        (lambda report: report.pop("asked"), 1, "form"),
        (lambda report: report["asked"].update(by=["soul"]), 1, "form"),
        (lambda report: report.update(disclosures="1" * 64), 2, "disclosures"),
        (lambda report: report.update(checkpoint=report["checkpoint"].replace("\n", "\n1", 1)), 1, "note"),
    ],
)
def test_what_is_no_report_is_told_apart(
    *, change: Any, code: int, check: str, report: Path, folder: Path, made: Build, capsys: Any, tmp_path: Path
) -> None:
    found, verdict = verified(changed(report, tmp_path, change), folder, made, capsys)
    assert (found, verdict["findings"][0]["check"]) == (code, check)


def test_bytes_that_are_no_json_are_no_report(folder: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "not.json"
    path.write_bytes(b"\xff{")
    assert verified(path, folder, made, capsys)[0] == 1


def test_a_ledger_with_other_leaves_disproves(report: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    other = written()
    place = next(number for number, raw in enumerate(other.leaves) if b"anna" in raw)
    other.leaves[place] = other.leaves[place].replace(b"anna", b"anne")
    code, verdict = verified(report, other.write_ledger(tmp_path / "other"), made, capsys)
    assert (code, verdict["findings"][0]["check"]) == (1, "root")


def test_a_key_that_nobody_pinned_vouches_for_nothing(report: Path, folder: Path, capsys: Any) -> None:
    stranger = Build(name="stranger")
    for words in ([], ["--verify", str(report)]):
        assert main(["report", str(folder), "--vkey", stranger.vkey, *words]) == 1
        assert "signed" in capsys.readouterr().err


def test_a_log_that_is_behind_the_report_cannot_tell(report: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    behind = Build()
    behind.seal()
    code, verdict = verified(report, behind.write_ledger(tmp_path / "behind"), made, capsys)
    assert code == 2
    assert "leaves here" in verdict["findings"][0]["why"]


def test_the_command_says_what_it_wants(folder: Path, made: Build, capsys: Any, tmp_path: Path) -> None:
    for words in ([], [str(folder), "--dir", str(folder)]):
        with pytest.raises(SystemExit):
            main(["report", "--vkey", made.vkey, *words])
    assert main(["report", str(folder), "--vkey", made.vkey, "--period", "soon"]) == 2
    assert "want a year 2026" in capsys.readouterr().err
    path = tmp_path / "disclosures.json"
    for text in ("[]", "{", '{"a": "b"}', '{"a": [1]}'):
        path.write_text(text)
        assert main(["report", str(folder), "--vkey", made.vkey, "--disclosures", str(path)]) == 2
    path.write_text("{}")
    assert main(["report", str(folder), "--vkey", made.vkey, "--disclosures", str(path), "--json",
                 "--out", str(tmp_path / "new.json")]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "new.json")}


def test_it_goes_to_standard_output_by_default(folder: Path, made: Build, capfdbinary: Any) -> None:
    assert main(["report", str(folder), "--vkey", made.vkey, "--format", "csv"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"\xef\xbb\xbfpart,key,figure,value\r\n")


def test_every_option_is_in_what_was_asked(folder: Path, made: Build, tmp_path: Path, monkeypatch: Any) -> None:
    told: list[tuple[int, int]] = []

    @contextmanager
    def progress(_: str) -> Iterator[Any]:
        yield lambda done, total: told.append((done, total))

    monkeypatch.setattr("verifier.cli.report.progress", progress)
    out = tmp_path / "asked.json"
    words = ["--period", "2026", "--by", "fault,channel", "--by", "year", "--trend", "quarter", "--times", "stated"]
    words += ["--party", uuid("branch"), "--party", uuid("shop"), "--evidence", "gb27922"]
    assert main(["report", str(folder), "--vkey", made.vkey, *words, "--out", str(out)]) == 0
    document = json.loads(out.read_bytes())
    assert document["asked"] == {
        "period": "2026", "by": ["fault", "channel", "year"], "trend": "quarter", "times": "stated",
        "parties": sorted([uuid("branch"), uuid("shop")]), "evidence": "gb27922",
    }  # fmt: skip
    assert len(document["evidence"]) == 14
    # Each leaf is hashed, and each is counted.
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (2 * made.size, 2 * made.size)
    assert len(told) > 1


def test_several_processes_count_the_same(
    report: Path, folder: Path, made: Build, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("ledger.reports.spooled.ALONE", 0)
    assert verified(report, folder, made, capsys, "--workers", "2")[0] == 0
    broken = written()
    broken.leaves[9] = b"{}"
    place = broken.write_ledger(folder.parent / "broken")
    assert verified(report, place, made, capsys, "--workers", "2")[0] == 1


def test_a_difference_has_a_place() -> None:
    assert difference([1], 1) == ("/", "[1]", "1")
    assert difference({"a": 1, "b": 2}, {"a": 1}) == ("/b", "2", "nothing")


def test_a_member_out_of_form_is_told_with_its_place(
    report: Path, folder: Path, made: Build, capsys: Any, tmp_path: Path
) -> None:
    path = changed(report, tmp_path, lambda report: report["asked"].update(by=["soul"]))
    assert verified(path, folder, made, capsys)[1]["findings"][0]["why"].endswith(" (at /by/0)")
    path = changed(report, tmp_path, lambda report: report.pop("format"))
    assert verified(path, folder, made, capsys)[1]["findings"][0]["why"] == "this is no report in JSON"


def test_an_empty_log_has_no_report(made: Build, folder: Path) -> None:
    note = sign_checkpoint(Checkpoint(made.origin, 0, EMPTY_ROOT), made.signers)
    with pytest.raises(Unknown, match="an empty log has no report"):
        make(note, (parse_vkey(made.vkey),), parse_ask({"period": "all"}), Work(partial(open_folder, folder)))
