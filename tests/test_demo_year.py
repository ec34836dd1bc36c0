"""`patina demo --year`: the small demo in a year of three shops, the same from the same seed, also after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli import demo, folder
from api.cli.announce import KEPT
from api.cli.year import made
from ledger import leaf, times

WORDS = ["--year", "--cases", "4", "--seed", "7", "--json"]


def head(directory: Path) -> tuple[str, bytes]:
    with folder.opened(directory) as ledger:
        # Below what `load` says at the time of the run: the year's own leaves end at midnight.
        index = max(
            index
            for index in range(ledger.reader.size())
            if times.parse_recorded(leaf.parse_leaf(ledger.reader.leaf(index) or b"").recorded_at) % times.DAY == 0
        )
        return ledger.vkeys[0], ledger.reader.leaf(index) or b""


def test_the_story_stands_in_a_year_that_a_seed_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--dir", str(tmp_path / "one"), *WORDS]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["parties"]) == 7
    assert len(answer["items"]) == 8
    with folder.opened(tmp_path / "one") as ledger:
        ring = [leaf.parse_leaf(raw) for _, raw in ledger.reader.entries(answer["items"][0]["id"])]
        late = [
            times.parse_recorded(one.recorded_at) - times.parse_occurred(one.statement.occurred_at)  # type: ignore[union-attr]
            for one in ring
        ]
    # Told in its time: nothing of the ring's story is recorded more than a day late.
    assert max(late) < times.DAY
    assert demo.main(["--dir", str(tmp_path / "two"), *WORDS]) == 0
    assert head(tmp_path / "two") == head(tmp_path / "one")


def test_a_year_that_was_stopped_is_finished_as_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play = made.play

    def stop(*words: Any, **more: Any) -> tuple[int, int]:
        play(*words, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(made, "play", stop)
    with pytest.raises(KeyboardInterrupt):
        demo.main(["--dir", str(tmp_path), *WORDS])
    assert not (tmp_path / KEPT).exists()
    monkeypatch.setattr(made, "play", play)
    # The seed's file says what was begun; the words of the second run need not.
    assert demo.main(["--dir", str(tmp_path), "--if-absent", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["parties"]) == 7


@pytest.mark.parametrize("cases", ["0", "-1", "x", "1000001"])
def test_a_year_of_nothing_is_refused(cases: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        demo.main(["--dir", str(tmp_path / "var"), "--year", "--cases", cases])
    assert not (tmp_path / "var").exists()
