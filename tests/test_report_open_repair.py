"""The published Open Repair records, imported and reported: every share equals a direct count over the CSV."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from api.cli import importing, init
from ledger.command import main

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "open-repair"
OUTCOMES = {"Fixed": "fixed", "Repairable": "repairable", "End of life": "end_of_life", "Unknown": "unknown"}


@pytest.mark.long
def test_shares_by_category_and_group_equal_a_direct_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(REAL.glob("*.csv"))
    if not files:
        pytest.skip("the published records are absent: want ../shared/data/open-repair beside the checkout")
    assert init.main(["--dir", str(tmp_path / "ledger"), "--origin", "report.example/log", "--json"]) == 0
    vkey = json.loads(capsys.readouterr().out)["vkey"]
    assert importing.main(["open-repair", str(files[0]), "--dir", str(tmp_path / "ledger"), "--json"]) == 0
    out = tmp_path / "report.json"
    words = [str(tmp_path / "ledger"), "--vkey", vkey, "--by", "line,party", "--times", "stated", "--trend", "year"]
    assert main(["report", *words, "--out", str(out)]) == 0
    report = json.loads(out.read_bytes())
    names = {one["party"]: one["name"] for one in report["parties"]}

    direct: Counter[tuple[str, str, str]] = Counter()
    years: Counter[str] = Counter()
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            category = re.sub("[^a-z0-9]+", "_", row["product_category"].lower()).strip("_")
            group, provider = row["group_identifier"].strip(), row["data_provider"].strip()
            called = group if provider in group else f"{group} ({provider})"
            direct[category, called, OUTCOMES[row["repair_status"]]] += 1
            years[row["event_date"][:4]] += 1

    reported: Counter[tuple[str, str, str]] = Counter()
    for one in report["groups"]:
        for outcome in OUTCOMES.values():
            count = one["figures"]["services"][outcome]
            reported[one["key"]["line"], names[one["key"]["party"]], outcome] += count
    assert +reported == direct
    assert report["figures"]["services"] == {
        "count": direct.total(),
        **{outcome: sum(n for (_, _, one), n in direct.items() if one == outcome) for outcome in OUTCOMES.values()},
    }
    assert {one["step"]: one["figures"]["services"]["count"] for one in report["trend"]} == dict(years)
    capsys.readouterr()
    assert main(["report", "--verify", str(out), str(tmp_path / "ledger"), "--vkey", vkey]) == 0
