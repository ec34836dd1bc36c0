"""An audit that continues reads only what is new and says what a fresh one would; its state is whole or refused."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Unknown
from ledger.note import parse_vkey
from tests.build import Build, grow, ring, shop
from tests.listed import Listed, audited, listed
from tests.test_audit_checks import CASES, WORK, made
from verifier import audit as audit_module
from verifier import kept as kept_module
from verifier import table as table_module
from verifier.audit import Options, audit
from verifier.findings import Verdict
from verifier.heads import Heads
from verifier.kept import Store


def _continued(ledger: Build, size: int, state: Path, **options: Any) -> tuple[Verdict, Listed]:
    """The verdict on the first ``size`` leaves, continued from the state."""
    source = Listed(ledger.leaves[:size], ledger.note(size))
    return audit(source, Options((parse_vkey(ledger.vkey),), state=state, **options)), source


def _opened() -> int:
    """How many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


def _facts(verdict: Verdict) -> tuple[object, ...]:
    return verdict.outcome, verdict.findings, dict(verdict.facts)


def _seals(ledger: Build) -> list[int]:
    """Sizes at which the ledger ends with a seal."""
    return [index + 1 for index, raw in enumerate(ledger.leaves) if b'"map_root"' in raw[:40]]


@pytest.fixture(scope="module")
def grown() -> Build:
    """A ledger of some 700 leaves: two full tiles and a part of one."""
    ledger = shop()
    grow(ledger, 700, seed=7)
    return ledger


@pytest.fixture(scope="module")
def kept(grown: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of its audit."""
    folder = tmp_path_factory.mktemp("kept")
    assert _continued(grown, grown.size, folder)[0].outcome == "proven"
    return folder


@settings(max_examples=12)
@given(data=st.data())
def test_a_continued_audit_says_what_a_fresh_one_says(
    grown: Build, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.sampled_from(_seals(grown)), min_size=1, max_size=3)))
    every_seal = data.draw(st.booleans())
    folder = tmp_path_factory.mktemp("state")
    start = 0
    for size in cuts:
        verdict, source = _continued(grown, size, folder, every_seal=every_seal)
        fresh, _ = _continued(grown, size, tmp_path_factory.mktemp("fresh"), every_seal=every_seal)
        assert _facts(verdict) == _facts(fresh)
        assert fresh.outcome == "proven"
        assert source.read[:1] in ([(start - start % 256, size)], [])
        start = size
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", CASES)
def test_a_continued_audit_refuses_what_a_fresh_one_refuses(name: str, tmp_path: Path) -> None:
    ledger = made()
    assert _continued(ledger, ledger.size, tmp_path / "state")[0].outcome == "proven"
    CASES[name][1](ledger)
    ledger.now += 10**9
    ledger.seal()
    fresh = audited(ledger)
    for _ in range(2):  # the second time, because a finding must not become the state
        verdict, _source = _continued(ledger, ledger.size, tmp_path / "state")
        assert verdict.findings == fresh.findings
        assert verdict.outcome == "disproved"


def test_what_could_not_be_told_is_told_again(tmp_path: Path) -> None:
    ledger = made()
    _continued(ledger, ledger.size, tmp_path)
    ledger.say("item.engraved", "shop", ring(1))
    ledger.seal()
    first, _ = _continued(ledger, ledger.size, tmp_path)
    ledger.seal()
    second, _ = _continued(ledger, ledger.size, tmp_path)
    assert first.findings == second.findings == audited(ledger).findings
    assert first.exit_code == 2


def test_nothing_new_is_proven_without_reading(tmp_path: Path) -> None:
    ledger = made()
    first, _ = _continued(ledger, ledger.size, tmp_path)
    again, source = _continued(ledger, ledger.size, tmp_path)
    assert source.read == []
    assert _facts(again) == _facts(first)
    assert any("continued" in note for note in again.notes)


def _forked() -> tuple[Build, Build]:
    """Two ledgers with the same keys that differ in one entry, and are right each for itself."""
    one, other = made(), made()
    one.say("maintenance.performed", "shop", ring(1), {"work": ["clean"]})
    other.say("maintenance.performed", "shop", ring(1), {"work": ["polish"]})
    one.seal()
    other.seal()
    return one, other


def test_another_log_of_the_same_size_is_refused(tmp_path: Path) -> None:
    one, other = _forked()
    _continued(one, one.size, tmp_path)
    verdict, _ = _continued(other, other.size, tmp_path)
    assert [finding.check for finding in verdict.findings] == ["root", "consistency"]
    assert audited(other).outcome == "proven"


def test_a_rewritten_log_is_refused(tmp_path: Path) -> None:
    one, other = _forked()
    _continued(one, one.size, tmp_path)
    grow(other, 300, seed=1)
    source = Listed(other.leaves, other.note())
    verdict = audit(source, Options((parse_vkey(other.vkey),), state=tmp_path))
    assert verdict.findings[0].check == "bundles"  # the leaves before are not those that were audited


def test_a_log_rewritten_below_the_last_bundle_is_refused(tmp_path: Path) -> None:
    one, other = _forked()
    for ledger in (one, other):
        while ledger.size < 255:
            ledger.say("maintenance.performed", "shop", ring(1), WORK)
        ledger.seal()
    assert one.size == other.size == 256
    _continued(one, one.size, tmp_path)
    other.seal()
    verdict, _ = _continued(other, other.size, tmp_path)
    assert [finding.check for finding in verdict.findings] == ["prev", "root", "consistency"]


def test_a_log_that_became_shorter_is_refused(tmp_path: Path) -> None:
    ledger = made()
    size = ledger.size
    ledger.seal()
    _continued(ledger, ledger.size, tmp_path)
    verdict, _ = _continued(ledger, size, tmp_path)
    assert [finding.check for finding in verdict.findings] == ["consistency"]


def test_the_state_of_another_ledger_is_refused(tmp_path: Path) -> None:
    _continued(made(), made().size, tmp_path)
    other = Build(origin="ledger.example/other")
    with pytest.raises(Unknown, match="the state is of the ledger"):
        _continued(other, other.size, tmp_path)


@pytest.mark.parametrize(("first", "then"), [("signatures", "signatures"), ("every_seal", "every_seal")])
def test_a_state_that_proves_less_is_refused(tmp_path: Path, first: str, then: str) -> None:
    ledger = made()
    assert _continued(ledger, ledger.size, tmp_path, **{first: False})[0].outcome == "proven"
    assert _continued(ledger, ledger.size, tmp_path, **{then: False})[0].outcome == "proven"
    with pytest.raises(Unknown, match="audit afresh"):
        _continued(ledger, ledger.size, tmp_path)


def test_two_audits_do_not_share_a_state(tmp_path: Path) -> None:
    class Nested(Listed):
        def leaves(self, start: int, stop: int) -> Iterator[bytes]:
            opened = _opened()
            with pytest.raises(Unknown, match="another audit"):
                _continued(ledger, ledger.size, tmp_path)
            assert _opened() == opened
            return super().leaves(start, stop)

    ledger = made()
    source = Nested(ledger.leaves, ledger.note())
    assert audit(source, Options((parse_vkey(ledger.vkey),), state=tmp_path)).outcome == "proven"


class _Crash(Exception):
    """Stands for whatever ends an audit in its middle."""


def test_an_audit_that_crashed_leaves_the_state_before_it(tmp_path: Path) -> None:
    class Crashing(Listed):
        def leaves(self, start: int, stop: int) -> Iterator[bytes]:
            for index, raw in enumerate(super().leaves(start, stop)):
                if index == 3:
                    raise _Crash
                yield raw

    ledger = made()
    _continued(ledger, ledger.size, tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    size = ledger.size
    grow(ledger, 20, seed=3)
    with pytest.raises(_Crash):
        audit(Crashing(ledger.leaves, ledger.note()), Options((parse_vkey(ledger.vkey),), state=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == before
    (tmp_path / "g000002").mkdir()  # as a process that was killed leaves it
    (tmp_path / "g000002" / "heads").write_bytes(b"half")
    verdict, source = _continued(ledger, ledger.size, tmp_path)
    assert _facts(verdict) == _facts(audited(ledger))
    assert source.read[0] == (0, ledger.size)
    assert size < 256


def test_what_a_first_audit_left_that_was_killed_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "g000001").mkdir()
    (tmp_path / "g000001" / "heads").write_bytes(b"half")
    ledger = made()
    assert _continued(ledger, ledger.size, tmp_path)[0].outcome == "proven"


def test_what_cannot_be_removed_is_left(tmp_path: Path) -> None:
    ledger = made()
    _continued(ledger, ledger.size, tmp_path)
    (tmp_path / "g000009").write_bytes(b"no folder")
    assert _continued(ledger, ledger.size, tmp_path)[0].outcome == "proven"
    assert (tmp_path / "g000009").exists()
    with Store(None) as store:
        store.folder.rmdir()


def test_a_new_state_is_the_auditors_own(tmp_path: Path) -> None:
    state = tmp_path / "shops" / "one"
    _continued(made(), made().size, state)
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "lock").stat().st_mode & 0o777 == 0o600


def test_an_audit_without_a_state_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert audited(made()).outcome == "proven"
    assert list(tmp_path.iterdir()) == []


def test_a_state_counts_only_once_all_of_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on the disk when the power fails is what was synced before."""
    done: list[tuple[str, int]] = []
    sync, replace = os.fsync, Path.replace

    def synced(file: int) -> None:
        done.append((Path(f"/dev/fd/{file}").resolve().name, os.fstat(file).st_size))
        sync(file)

    def replaced(path: Path, target: Path) -> Path:
        done.append((f"{path.name} is {target.name}", 0))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    ledger = made()
    opened = _opened()
    _continued(ledger, ledger.size, tmp_path)
    assert _opened() == opened
    names = [name for name, _ in done]
    at = names.index("current.new is current")
    assert {"heads", "states", "ids", "holders", "hashes", "summary.json", "g000001", "current.new"} <= set(names[:at])
    assert names[at + 1 :] == [tmp_path.name]
    sizes = dict(done[:at])
    for path in [*(tmp_path / "g000001").iterdir(), tmp_path / "current"]:
        assert sizes["current.new" if path.name == "current" else path.name] == path.stat().st_size


@pytest.mark.parametrize("file", ["heads", "states", "ids", "holders", "hashes", "summary.json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_state_is_refused(tmp_path: Path, file: str, harm: str, grown: Build, kept: Path) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    path = next(tmp_path.glob("g*")) / file
    raw = path.read_bytes()
    if harm == "cut":
        path.write_bytes(raw[:-1])
    elif harm == "flip":
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    else:
        path.unlink()
    with pytest.raises(Unknown, match="damaged"):
        _continued(grown, grown.size, tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        *((bad, "does not say which") for bad in (b"", b"g000001\n", b"x000001 y\n", b"gx1 y\n", b"\xff\n")),
        (b"g000001 " + b"0" * 64, "summary.json is not as it was written"),
    ],
)
def test_a_damaged_pointer_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    ledger = made()
    _continued(ledger, ledger.size, tmp_path)
    (tmp_path / "current").write_bytes(content)
    opened = _opened()
    with pytest.raises(Unknown, match=why):
        _continued(ledger, ledger.size, tmp_path)
    assert _opened() == opened
    assert (tmp_path / "g000001" / "heads").exists()


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    ledger = made()
    _continued(ledger, ledger.size, tmp_path)
    summary = tmp_path / "g000001" / "summary.json"
    raw = summary.read_bytes().replace(b"audit-state/v1", b"audit-state/v9")
    summary.write_bytes(raw)
    (tmp_path / "current").write_text(f"g000001 {sha256(raw).hexdigest()}\n")
    with pytest.raises(Unknown, match="another version"):
        _continued(ledger, ledger.size, tmp_path)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(Unknown, match="not empty"):
        _continued(made(), made().size, tmp_path)
    assert (tmp_path / "photos").is_dir()


def test_a_state_is_copied_with_its_holes(grown: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "_CHUNK", 4096)
    monkeypatch.setattr(kept_module, "_ZEROS", bytes(4096))
    sizes = _seals(grown)
    for size in (sizes[3], sizes[9], grown.size):
        assert _continued(grown, size, tmp_path)[0].outcome == "proven"
    heads = next(tmp_path.glob("g*")) / "heads"
    assert heads.stat().st_blocks * 512 < heads.stat().st_size


class Watched(Heads):
    """Counts how often it is asked to forget what is met no more."""

    shrunk = 0

    def shrink(self) -> None:
        Watched.shrunk += 1
        super().shrink()


def test_memory_is_tended_in_a_long_log(grown: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(audit_module, "_TEND", 8)
    monkeypatch.setattr(table_module, "LARGE", 0)
    monkeypatch.setattr(table_module, "_ACCESSES", 7)
    monkeypatch.setattr("verifier.heads.CACHED", 6)
    monkeypatch.setattr("verifier.replay.Heads", Watched)
    for every_seal in (True, False):
        Watched.shrunk = 0
        told: list[int] = []
        folder = tmp_path / str(every_seal)

        def tell(done: int, _: int, told: list[int] = told) -> None:
            told.append(done)

        verdict, _ = _continued(grown, grown.size, folder, every_seal=every_seal, progress=tell)
        assert told == sorted(told)
        assert len(told) > 5
        assert Watched.shrunk >= len(told) - 1
        fresh = audit(listed(grown), Options((parse_vkey(grown.vkey),), every_seal=every_seal))
        assert verdict.outcome == "proven"
        assert _facts(verdict) == _facts(fresh)
