"""`patina import open-repair`: what a row becomes, what is refused and why, and that a record is taken exactly once."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.cli import demo, folder, importing, init, open_repair, rebuild
from api.cli.open_repair import Record, Refusal
from api.settings import Settings
from ledger import leaf
from ledger.errors import Malformed
from verifier.cli import audit

HEAD = (
    "id,data_provider,country,partner_product_category,product_category,product_category_id,brand,year_of_manufacture,"
    "product_age,repair_status,repair_barrier_if_end_of_life,group_identifier,event_date,problem\n"
)
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "open-repair"


def row(number: int | str = 1, **changed: str) -> str:
    """One line of CSV that is right, but for what is changed."""
    members = {
        "id": f"cafe_{number}",
        "data_provider": "Some Provider",
        "country": "GBR",
        "partner_product_category": "Electrical ~ Jane's iron",
        "product_category": "Hair & beauty item",
        "product_category_id": "9",
        "brand": "Dyson",
        "year_of_manufacture": "",
        "product_age": "",
        "repair_status": "Fixed",
        "repair_barrier_if_end_of_life": "",
        "group_identifier": "Old Town",
        "event_date": "2019-04-01",
        "problem": "ring Jane on 029 2018 0000",
    }
    return ",".join('"' + value.replace('"', '""') + '"' for value in (members | changed).values()) + "\n"


def parsed(tmp_path: Path, text: str | bytes) -> list[Record | Refusal]:
    """The records of a file with this content."""
    path = tmp_path / "records.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(open_repair.read(path))


def only(tmp_path: Path, **changed: str) -> Record | Refusal:
    (record,) = parsed(tmp_path, HEAD + row(**changed))
    return record


def said(record: Record | Refusal) -> list[tuple[str, dict[str, object]]]:
    assert isinstance(record, Record)
    return [(value["type"], value["details"]) for value in record.statements("0" * 64)]


@pytest.mark.parametrize(
    ("status", "barrier", "kind", "more"),
    [
        ("Fixed", "", "repair.completed", {}),
        ("Repairable", "", "repair.started", {}),
        ("End of life", "", "repair.failed", {"reason": "not_stated"}),
        ("End of life", "Spare parts not available", "repair.failed", {"reason": "parts_not_available"}),
        ("End of life", "Item too worn out", "repair.failed", {"reason": "worn_out"}),
        ("Unknown", "", None, {}),
    ],
)
def test_a_status_says_no_more_than_it_does(
    tmp_path: Path, status: str, barrier: str, kind: str | None, more: dict[str, str]
) -> None:
    record = only(tmp_path, repair_status=status, repair_barrier_if_end_of_life=barrier)
    registered, *repaired = said(record)
    described = {"name": "Hair & beauty item", "category": "hair_beauty_item", "brand": "Dyson", "origin": "intake"}
    assert registered == ("item.registered", described)
    assert repaired == ([] if kind is None else [(kind, {"work": ["repair"], "tests": [], **more})])


def test_every_statement_has_the_format_s_form(tmp_path: Path) -> None:
    for status in open_repair.TYPES:
        record = only(tmp_path, repair_status=status)
        assert isinstance(record, Record)
        for value in record.statements("0" * 64):
            statement = leaf.statement_from(value)
            assert leaf.check_details(statement) == ()
            assert value["occurred_at"] == "2019-04-01T12:00:00Z"


def test_free_text_never_reaches_a_statement(tmp_path: Path) -> None:
    record = only(tmp_path)
    assert isinstance(record, Record)
    text = json.dumps(record.statements("0" * 64))
    assert "Jane" not in text
    assert "2018" not in text


@pytest.mark.parametrize(
    "brand", ["Unknown", "xx", "N/A", "Don’t know", "", "?", "a@b.example", "029 2018 0000", "x" * 61]
)
def test_what_is_no_brand_is_left_out(tmp_path: Path, brand: str) -> None:
    assert "brand" not in said(only(tmp_path, brand=brand))[0][1]


@pytest.mark.parametrize("brand", ["Dyson DC 27", "B&Q", "K’A’RCHER", "小米"])
def test_a_brand_is_kept(tmp_path: Path, brand: str) -> None:
    assert said(only(tmp_path, brand=brand))[0][1]["brand"] == brand


def test_ids_are_made_from_the_provider_s_alone(tmp_path: Path) -> None:
    one = only(tmp_path)
    other = only(tmp_path, brand="Bosch", repair_status="Unknown", event_date="2020-01-01")
    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert one.item == other.item
    assert one.statements("0" * 64)[0]["id"] == other.statements("0" * 64)[0]["id"]
    again = only(tmp_path, data_provider="Another")
    assert isinstance(again, Record)
    assert again.item != one.item
    assert again.group.id != one.group.id


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"id": ""}, "got no id"),
        ({"id": "a b"}, "got no id"),
        ({"repair_status": "Broken"}, "repair_status"),
        ({"repair_barrier_if_end_of_life": "Lazy"}, "repair_barrier"),
        ({"repair_barrier_if_end_of_life": "Lack of equipment"}, "barrier with status Fixed"),
        ({"event_date": "2019-02-29"}, "event_date"),
        ({"event_date": "1/4/2019"}, "event_date"),
        ({"event_date": "２０１９-04-01"}, "event_date"),
        ({"group_identifier": "  "}, "group_identifier"),
        ({"group_identifier": "a\nb"}, "group_identifier"),
        ({"group_identifier": "x" * 96}, "group_identifier"),
        ({"data_provider": "a\u202eb"}, "data_provider"),
        ({"product_category": "&&"}, "product_category"),
    ],
)
def test_a_record_out_of_form_is_refused_and_says_why(tmp_path: Path, changed: dict[str, str], why: str) -> None:
    refusal = only(tmp_path, **changed)
    assert isinstance(refusal, Refusal)
    assert why in refusal.why


def test_traps_of_csv_cost_only_their_own_record(tmp_path: Path) -> None:
    text = (
        b"\xef\xbb\xbf"
        + HEAD.replace("\n", "\r\n").encode()
        + row(1, problem='it said "click",\r\nthen nothing').encode()
        + row(2, group_identifier="Caf\udce9").encode("utf-8", "surrogateescape")
        + b"\r\n"
        + row(3).encode().replace(b'"2019-04-01",', b"")
        + row(4).encode().replace(b'"Dyson"', b'"Dy"son"')
        + row(5).encode()
        + row(1).encode()
        + row(6).encode().replace(b"\n", b"")
    )
    found = parsed(tmp_path, text)
    taken = [one.id for one in found if isinstance(one, Record)]
    refused = [(one.line, one.id, one.why) for one in found if isinstance(one, Refusal)]
    assert taken == ["cafe_1", "cafe_5", "cafe_6"]
    assert [(line, name) for line, name, _ in refused] == [(4, "cafe_2"), (6, "cafe_3"), (7, ""), (9, "cafe_1")]
    assert "fewer columns" in refused[1][2]
    assert "does not parse" in refused[2][2]
    assert "stands on line 3 already" in refused[3][2]


@pytest.mark.parametrize("broken", ['"cafe_2","Some Provider', '"cafe_2","Some ""Provider""'])
def test_an_unclosed_quote_costs_what_it_swallows_and_says_so(tmp_path: Path, broken: str) -> None:
    found = parsed(tmp_path, HEAD + row(1) + broken + "\n" + row(3) + row(4))
    assert isinstance(found[0], Record)
    assert isinstance(found[1], Refusal)
    assert [one.id for one in found[2:]] == ["cafe_4"]


@pytest.mark.parametrize("head", ["", "id,brand\n", HEAD.replace("brand", "id"), '"id"x,brand\n'])
def test_a_file_of_another_form_is_refused_whole(tmp_path: Path, head: str) -> None:
    with pytest.raises(Malformed, match="heading"):
        parsed(tmp_path, head + row())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder with a new ledger."""
    init.create(tmp_path / "var", "import.example/log")
    return tmp_path / "var"


def run(directory: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object], str]:
    """The exit code, the answer and the remarks of an import."""
    code = importing.main(["open-repair", str(path), "--dir", str(directory), "--json"])
    output = capsys.readouterr()
    return code, json.loads(output.out), output.err


def test_an_import_is_taken_once_however_often_it_runs(
    tmp_path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.csv"
    path.write_text(HEAD + row(1) + row(2, repair_status="Unknown") + row(3, group_identifier="Docks") + row(1))
    code, answer, remarks = run(directory, path, capsys)
    assert code == 1
    assert (answer["records"], answer["imported"], answer["repeated"], answer["statements"]) == (4, 3, 0, 5)
    assert remarks == "refused: line 5: cafe_1: got an id that stands on line 2 already\n"
    with folder.opened(directory) as ledger:
        size = ledger.reader.size()
        names = {one.name for one in ledger.view.parties.parties.values()}
        assert {"Old Town (Some Provider)", "Docks (Some Provider)"} <= names
    path.write_text(HEAD + row(1) + row(2, repair_status="Unknown") + row(3, group_identifier="Docks"))
    code, answer, _ = run(directory, path, capsys)
    assert (code, answer["imported"], answer["repeated"], answer["statements"]) == (0, 0, 3, 0)
    with folder.opened(directory) as ledger:
        assert ledger.reader.size() == size


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_shows_on_a_terminal_how_far_it_is(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.csv"
    path.write_text(HEAD + row(1) + row(2, event_date="never") + row(3))
    monkeypatch.setenv("TERM", "xterm")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def bars(main: Callable[[Sequence[str]], int], *words: str) -> dict[str, tuple[int, int]]:
        """How far each bar came that was drawn, and of how much."""
        shown = _Terminal()
        monkeypatch.setattr(sys, "stderr", shown)
        main([*words, "--json"])
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())
        return {name: (int(far), int(of)) for name, far, of in re.findall(r"(\w+) [━╸╺]+ *(\d+)/(\d+)", plain)}

    assert bars(importing.main, "open-repair", str(path), "--dir", str(directory)) == {"import": (3, 3)}
    with folder.opened(directory) as ledger:
        size = ledger.reader.size()
    far, of = bars(rebuild.main, "--dir", str(directory))["rebuilding"]
    assert size < far <= of  # all leaves, and then the entries once more
    assert bars(demo.main, "--dir", str(tmp_path / "demo"))["demo"][0] > 0


def test_a_record_that_changed_at_its_source_is_refused(
    tmp_path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.csv"
    path.write_text(HEAD + row(1) + row(2))
    assert run(directory, path, capsys)[0] == 0
    path.write_text(HEAD + row(1, repair_status="Repairable") + row(2) + row(3))
    code, answer, remarks = run(directory, path, capsys)
    assert (code, answer["imported"], answer["repeated"]) == (1, 1, 1)
    assert remarks.startswith("refused: line 2: cafe_1: ")


def test_a_date_to_come_is_refused_by_the_ledger(
    tmp_path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.csv"
    path.write_text(HEAD + row(1, event_date="2999-01-01") + row(2))
    code, answer, remarks = run(directory, path, capsys)
    assert (code, answer["imported"]) == (1, 1)
    assert remarks.startswith("refused: line 2: cafe_1: ")


def test_killed_anywhere_and_run_again_every_record_stands_once(
    tmp_path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, count = tmp_path / "records.csv", 1500
    path.write_text(HEAD + "".join(row(n, group_identifier=f"Group {n % 40}") for n in range(count)))
    words = [sys.executable, "-m", "ledger.command", "import", "open-repair", str(path), "--dir", str(directory)]
    started = 0
    for _ in range(3):
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1])
        before = size = _leaves(directory)
        while running.poll() is None and size <= before:
            time.sleep(0.005)
            size = _leaves(directory)
        running.kill()
        running.communicate()
        started += size > before
    assert started
    code, answer, remarks = run(directory, path, capsys)
    assert (code, remarks) == (0, "")
    assert int(str(answer["imported"])) + int(str(answer["repeated"])) == count
    with folder.opened(directory) as ledger:
        for one in (record for record in open_repair.read(path) if isinstance(record, Record)):
            kinds = [leaf.parse_leaf(raw).statement.type for _, raw in ledger.reader.entries(one.item)]  # type: ignore[union-attr]
            assert kinds == ["item.registered", "repair.completed"]


def test_every_kind_of_record_is_proved_by_an_audit_and_reads_well_on_its_page(
    tmp_path: Path, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {
        "Fixed": "completed a repair",
        "Repairable": "began a repair",
        "End of life": "could not repair it",
        "Unknown": "registered this item",
    }
    path = tmp_path / "records.csv"
    path.write_text(HEAD + "".join(row(n, repair_status=kind, brand="") for n, kind in enumerate(kinds)))
    assert run(directory, path, capsys)[0] == 0
    items = [one.item for one in open_repair.read(path) if isinstance(one, Record)]
    with folder.opened(directory) as ledger:
        tokens, vkey = [ledger.codes.create(item, "view") for item in items], ledger.vkeys[0]
    assert audit.main([str(directory), "--vkey", vkey]) == 0
    with TestClient(create_app(Settings(directory, "http://import.example", jobs=False))) as client:
        for token, sentence in zip(tokens, kinds.values(), strict=True):
            for language in ("en", "zh-Hans", "zh-Hant"):
                page = client.get(f"/i/{token}", headers={"Accept-Language": language})
                assert page.status_code == 200
                words = re.sub(r"<[^>]+>", " ", page.text)
                assert "Hair &amp; beauty item" in words
                assert re.findall(r"\b[a-z]+_[a-z]+\b|\bNone\b|\bnull\b", words) == []
                assert language != "en" or sentence in words


def _leaves(directory: Path) -> int:
    """How many leaves a ledger has, looked up beside its writer."""
    import sqlite3  # noqa: PLC0415 -- only this looks behind the ledger's back

    connection = sqlite3.connect(directory / folder.DATABASE, timeout=10)
    try:
        (size,) = connection.execute("SELECT size FROM head").fetchone()
    finally:
        connection.close()
    return int(size)


def test_the_published_file_is_read_to_its_end() -> None:
    files = sorted(REAL.glob("*.csv"))
    if not files:
        pytest.skip("the published records are absent: want ../shared/data/open-repair beside the checkout")
    found = list(open_repair.read(files[0]))
    # 20,191 lines after the heading, of which one record takes two.
    assert len(found) == 20_190
    assert [one for one in found if isinstance(one, Refusal)] == []
    assert len({one.item for one in found if isinstance(one, Record)}) == 20_190
