"""`patina demo`: the JSON that it prints, histories that hold, and that it can be stopped and run again."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from api.cli import demo, demo_cast, folder, init
from api.cli.announce import KEPT
from ledger import leaf, times
from ledger.bundle import parse_history
from ledger.db import guard, migrate
from ledger.db import ledger as ledgers
from ledger.errors import Refused
from ledger.history import Asked, check_history
from ledger.note import parse_vkey


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the demo is loaded."""
    made = tmp_path_factory.mktemp("demo") / "var"
    assert demo.main(["--dir", str(made), "--json"]) == 0
    return made


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert demo.main(list(words)) == 0
    return capsys.readouterr().out


def test_what_is_printed_is_the_contract(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(printed(capsys, "--dir", str(directory), "--if-absent", "--json"))
    assert list(answer) == ["origin", "vkey", "operator", "parties", "items"]
    assert list(answer["operator"]) == ["party", "api_key"]
    assert all(list(party) == ["id", "name", "roles", "api_key"] for party in answer["parties"])
    assert all(list(item) == ["id", "token", "page"] for item in answer["items"])
    assert parse_vkey(answer["vkey"]).name == answer["origin"]
    assert {role for party in answer["parties"] for role in party["roles"]} >= {
        "retailer",
        "repairer",
        "certifier",
        "carrier",
    }
    assert len(answer["items"]) == 8
    assert all(item["page"].endswith("/i/" + item["token"]) for item in answer["items"])


def test_the_keys_that_are_printed_open_what_they_should(directory: Path) -> None:
    kept = json.loads((directory / KEPT).read_text())
    with folder.opened(directory) as ledger:
        for party in kept["parties"]:
            found = ledger.access.find_api_key(party["api_key"])
            assert found is not None
            assert (found.party, tuple(found.scopes)) == (party["id"], ("write",))
        operator = ledger.access.find_api_key(kept["operator"]["api_key"])
        assert operator is not None
        assert (operator.party, tuple(operator.scopes)) == (ledger.operator, ("admin",))
        for item in kept["items"]:
            code = ledger.codes.find(item["token"])
            assert code is not None
            assert code.subject == item["id"]
        # Two parties keep their own keys; of the others this service signs.
        in_custody = [ledger.access.party_signer(party["id"]) is not None for party in kept["parties"]]
        assert sorted(in_custody) == [False, False, True, True, True]


def test_every_history_of_the_demo_is_proved(directory: Path) -> None:
    kept = json.loads((directory / KEPT).read_text())
    with folder.opened(directory) as ledger:
        for item in kept["items"]:
            bundle = ledger.reader.history(item["id"])
            assert bundle is not None
            proved = check_history(
                parse_history(bundle[1]), Asked(item["id"], (parse_vkey(kept["vkey"]),), folder.now_us())
            )
            assert proved.unknown == ()


def test_what_happened_is_in_order_and_over(directory: Path) -> None:
    kept = json.loads((directory / KEPT).read_text())
    with folder.opened(directory) as ledger:
        for item in kept["items"]:
            entries = [leaf.parse_leaf(raw) for _, raw in ledger.reader.entries(item["id"])]
            moments = [times.parse_occurred(one.statement.occurred_at) for one in entries]  # type: ignore[union-attr]
            assert moments == sorted(moments)
            assert moments[-1] < folder.now_us()


def test_the_stories_say_what_they_promise(directory: Path) -> None:
    kept = json.loads((directory / KEPT).read_text())
    with folder.opened(directory) as ledger:
        told = [
            [leaf.parse_leaf(raw).statement.type for _, raw in ledger.reader.entries(item["id"])]  # type: ignore[union-attr]
            for item in kept["items"]
        ]
    ring, phone, sofa, table, replacement, charger, watch, pendant = told
    assert [kind for kind in ring if kind.startswith(("case", "repair"))] == [
        "case.opened", "case.responded", "case.received", "case.diagnosed", "case.quoted", "case.approved",
        "repair.started", "repair.completed", "case.inspected", "case.handed_over", "case.accepted", "case.evaluated",
        "case.closed", "case.followed_up",
    ]  # fmt: skip
    assert "authentication.certified" in ring
    assert "item.claimed" in ring
    assert phone[-1] == "case.waiting"
    assert sofa.count("maintenance.performed") == 2
    assert table[-1] == "item.retired"
    assert "exchange.completed" in table
    assert "exchange.completed" in replacement
    assert charger[-1] == "item.recalled"
    assert watch[-1] == "item.reported_stolen"
    assert "statement.corrected" in pendant


def test_secrets_are_kept_for_their_owner_alone(directory: Path) -> None:
    for name in (KEPT, demo.SEED, folder.MASTER_KEY):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600


def test_a_second_demo_is_refused_and_changes_nothing(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with folder.opened(directory) as ledger:
        size = ledger.reader.size()
    with pytest.raises(Refused, match="--if-absent"):
        demo.main(["--dir", str(directory)])
    first = printed(capsys, "--dir", str(directory), "--if-absent")
    assert first == printed(capsys, "--dir", str(directory), "--if-absent")
    assert "晨光珠宝 Morning Light Jewellery" in first
    with folder.opened(directory) as ledger:
        assert ledger.reader.size() == size


def test_a_ledger_that_the_demo_did_not_make_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    init.create(directory, "real.example/log")
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for words in ([], ["--if-absent"]):
        with pytest.raises(Refused, match=r"did not make; want .* --dir .*var-demo$"):
            demo.main(["--dir", str(directory), *words])
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match=r"holds notes\.txt; want an empty"):
        demo.main(["--dir", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_demo_that_was_stopped_before_it_had_a_ledger_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create = init.create

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(init, "create", stop)
    with pytest.raises(KeyboardInterrupt):
        demo.main(["--dir", str(tmp_path / "var")])
    monkeypatch.setattr(init, "create", create)
    assert len(json.loads(printed(capsys, "--dir", str(tmp_path / "var"), "--json"))["items"]) == 8


def test_pages_are_printed_at_the_address_of_now(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dir", str(directory), "--if-absent", "--json"]
    monkeypatch.setenv("PORT", "8158")
    assert json.loads(printed(capsys, *words))["items"][0]["page"].startswith("http://127.0.0.1:8158/i/")
    monkeypatch.setenv("PATINA_PUBLIC_URL", "https://shop.example/")
    assert json.loads(printed(capsys, *words))["items"][0]["page"].startswith("https://shop.example/i/")


def test_a_demo_that_was_stopped_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = demo_cast.Cast.tell

    def stop_at_the_table(cast: demo_cast.Cast, item: dict[str, Any]) -> str:
        told = tell(cast, item | {"steps": item["steps"][:2]} if item["name"] == "table" else item)
        if item["name"] == "table":
            raise KeyboardInterrupt
        return told

    monkeypatch.setattr(demo_cast.Cast, "tell", stop_at_the_table)
    with pytest.raises(KeyboardInterrupt):
        demo.main(["--dir", str(tmp_path / "var")])
    monkeypatch.setattr(demo_cast.Cast, "tell", tell)
    answer = json.loads(printed(capsys, "--dir", str(tmp_path / "var"), "--json"))
    story = json.loads(demo_cast.STORY.read_text())
    with folder.opened(tmp_path / "var") as ledger:
        for item, told in zip(answer["items"], story, strict=True):
            own = [step for step in told["steps"] if "item" not in (step[5] if len(step) > 5 else {})]
            # The replacement's two entries and the exchange are told with the table.
            expected = 3 if told["name"] == "replacement" else len(own)
            assert len(ledger.reader.entries(item["id"])) == expected


@pytest.mark.parametrize("year", [[], ["--year", "--cases", "1", "--seed", "7"]], ids=["story", "year"])
def test_a_founding_that_was_stopped_anywhere_is_finished(
    empty_url: str, year: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(folder.DATABASE_NAME, empty_url)
    directory, cases = tmp_path / "var", 1 if year else 0
    places = [
        (migrate, "upgrade"),  # an empty database
        (ledgers, "write_founding"),  # a schema
        (guard.Guard, "release"),  # a first commit that nobody was told of
        (ledgers, "register_operator"),  # entry 0 and its seal
    ]
    for place, name in places:
        with monkeypatch.context() as patched:

            def stop(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            patched.setattr(place, name, stop)
            with pytest.raises(KeyboardInterrupt):
                demo.found(directory, demo.ORIGIN, cases, 7)
    demo.found(directory, demo.ORIGIN)
    with folder.opened(directory) as ledger:
        assert ledger.view.parties.parties[ledger.operator].name == demo.NAME
        assert ledger.reader.size() == 4  # two entries and the seals of their two commits
