"""Private members from the command line: an import that keeps its problem texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli import folder, importing, init, open_repair
from api.cli.open_repair import Record
from ledger.disclosure import parse_disclosure

HEAD = (
    "id,data_provider,country,product_category,brand,repair_status,repair_barrier_if_end_of_life,group_identifier,"
    "event_date,problem\n"
)
ROWS = (
    'a_1,Provider,GBR,Kettle,Unknown,Fixed,,Old Town,2019-04-01,"leaks, says\tAda\r\n\r\nring +1 555 0100"\n',
    "a_2,Provider,GBR,Lamp,Unknown,Unknown,,Old Town,2019-04-01,\n",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    init.create(tmp_path / "var", "import.example/log")
    (tmp_path / "records.csv").write_text(HEAD + "".join(ROWS), newline="")
    return tmp_path


def notes(place: Path) -> dict[str, object]:
    """The private notes of the imported items, by the provider's id; and nothing of them in clear."""
    found: dict[str, object] = {}
    with folder.opened(place / "var") as ledger:
        for record in open_repair.read(place / "records.csv"):
            assert isinstance(record, Record)
            entries = ledger.reader.entries(record.item)
            assert not [raw for _, raw in entries if b"leaks, says" in raw]
            for (text,) in ledger.vault.disclosures(record.item).values():
                found[record.id] = parse_disclosure(text).value
    return found


def test_problem_texts_are_kept_in_private_if_asked_for(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["open-repair", str(place / "records.csv"), "--dir", str(place / "var"), "--json"]
    for repeated in (0, 2):
        assert importing.main([*words, "--problems"]) == 0
        assert f'"repeated": {repeated}' in capsys.readouterr().out
    assert notes(place) == {"a_1": "leaks, says Ada\nring +1 555 0100"}


def test_they_are_left_out_otherwise(place: Path) -> None:
    assert importing.main(["open-repair", str(place / "records.csv"), "--dir", str(place / "var"), "--json"]) == 0
    assert notes(place) == {}
