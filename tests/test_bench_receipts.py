"""What `patina bench` says of the receipts of a run: that every one is valid, or that one is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import folder
from benchmarks import stage
from benchmarks.receipts import check_all

MADE = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str], list[bytes]]:
    """The vkey, the bodies that were sent (one more than was answered), and the receipts that came back."""
    made = stage.build(tmp_path_factory.mktemp("bench") / "ledger", items=1)
    bodies = [made.signed(number) for number in range(MADE + 1)]
    with folder.opened(made.directory) as ledger:
        stage.append(ledger.writer, [folder.draft(made.repair(number), [made.key]) for number in range(MADE)])
        ids = [json.loads(body)["statement"]["id"] for body in bodies[:MADE]]
        receipts = [ledger.reader.receipt(one) for one in ids]
    return made.vkey, bodies, [one for one in receipts if one is not None]


def check(run: tuple[str, list[str], list[bytes]], tmp_path: Path, receipts: list[bytes]) -> int:
    vkey, bodies, _ = run
    (tmp_path / "answers.jsonl").write_bytes(b"".join(one + b"\n" for one in receipts))
    return check_all(tmp_path / "answers.jsonl", vkey, bodies, MADE)


def test_receipts_of_what_was_sent_are_counted(run: tuple[str, list[str], list[bytes]], tmp_path: Path) -> None:
    assert check(run, tmp_path, run[2]) == MADE


def test_one_bad_receipt_is_told(run: tuple[str, list[str], list[bytes]], tmp_path: Path) -> None:
    one, two, three = run[2]
    for receipts, why in [
        ([one, two], "got 3 answers, 2 receipts"),
        ([one, two, two], "or two of it"),
        ([one, two, three.replace(b"clean and oil", b"clean and 0il")], "no valid receipt"),
        ([one, two, b'{"title":"refused"}'], "no valid receipt"),
    ]:
        with pytest.raises(RuntimeError, match=why):
            check(run, tmp_path, receipts)
    unsent = (run[0], run[1][1:], run[2])
    with pytest.raises(RuntimeError, match="was not sent so"):
        check(unsent, tmp_path, run[2])
