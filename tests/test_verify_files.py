"""``patina verify --attachments``: which files of a history are there, which are altered, which are gone."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.disclosure import digest, make_disclosure
from ledger.errors import Malformed
from tests.build import Build, ring
from tests.test_audit_checks import WORK, made
from tests.test_verify_cli import patina
from tests.test_verify_history import check
from verifier import files
from verifier.files import read_shelf
from verifier.findings import Verdict

FRONT, BACK = b"the front", b"the back of it"


def listed(content: bytes, name: str = "photo.jpg", **more: Any) -> dict[str, Any]:
    """A file as a statement lists it."""
    told = {"name": name, "media_type": "image/jpeg", "size": len(content)}
    return {**told, "sha256": sha256(content).hexdigest(), **more}


def history(*attachments: dict[str, Any], private: Any = None) -> tuple[Build, dict[str, Any]]:
    """A ledger whose item lists these files in public, and the bundle with a disclosed private member."""
    ledger = made()
    more: dict[str, Any] = {"attachments": list(attachments)} if attachments else {}
    disclosure = None
    if private is not None:
        disclosure = make_disclosure("attachments", private, bytes(16))
        more |= {"_sd": [digest(disclosure)], "_sd_alg": "sha-256"}
    index = ledger.say("maintenance.performed", "shop", ring(1), WORK, **more)
    ledger.seal()
    bundle = ledger.history(ring(1))
    if disclosure is not None:
        statement = json.loads(ledger.leaves[index])["statement"]["id"]
        bundle["disclosures"] = {statement: [disclosure]}
    return ledger, bundle


def verdict(folder: Path, ledger: Build, bundle: dict[str, Any]) -> Verdict:
    return check(bundle, ledger, shelf=read_shelf(folder))


def test_files_are_known_by_their_digest_whatever_they_are_called(tmp_path: Path) -> None:
    ledger, bundle = history(listed(FRONT), listed(BACK, "back.jpg"))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "anything").write_bytes(FRONT)
    (tmp_path / "IMG_1.JPG").write_bytes(BACK)
    (tmp_path / "photo.jpg").write_bytes(b"of another item")
    found = verdict(tmp_path, ledger, bundle)
    assert (found.outcome, found.facts["attachments"]) == ("proven", "2 of 2 are there as recorded")


@pytest.mark.parametrize("called", ["photo.jpg", sha256(FRONT).hexdigest(), sha256(FRONT).hexdigest()[:16] + ".jpg"])
def test_a_file_that_is_called_like_one_and_is_another_was_altered(tmp_path: Path, called: str) -> None:
    ledger, bundle = history(listed(FRONT))
    (tmp_path / called).write_bytes(FRONT + b"!")
    found = verdict(tmp_path, ledger, bundle)
    assert (found.outcome, [finding.check for finding in found.findings]) == ("disproved", [10])
    assert "not the one that was recorded" in found.findings[0].why
    assert found.facts["attachments"] == "0 of 1 are there as recorded"


def test_a_file_that_is_not_there_cannot_be_told(tmp_path: Path) -> None:
    ledger, bundle = history(listed(FRONT), listed(BACK))
    (tmp_path / "photo.jpg").write_bytes(BACK)  # called like both, and one of them
    found = verdict(tmp_path, ledger, bundle)
    assert found.outcome == "could not tell"
    (one,) = found.findings
    assert one.check == 10
    assert sha256(FRONT).hexdigest() in one.why
    assert found.facts["attachments"] == "1 of 2 are there as recorded"


def test_a_size_that_was_recorded_wrongly_is_disproved(tmp_path: Path) -> None:
    ledger, bundle = history(listed(FRONT, size=8))
    (tmp_path / "photo.jpg").write_bytes(FRONT)
    found = verdict(tmp_path, ledger, bundle)
    assert found.outcome == "disproved"
    assert "9 bytes, 8 were recorded" in found.findings[0].why


def test_files_of_disclosed_members_are_looked_for_too(tmp_path: Path) -> None:
    ledger, bundle = history(listed(FRONT), private=[listed(BACK, "back.jpg")])
    (tmp_path / "a").write_bytes(FRONT)
    assert verdict(tmp_path, ledger, bundle).facts["attachments"] == "1 of 2 are there as recorded"
    (tmp_path / "b").write_bytes(BACK)
    assert verdict(tmp_path, ledger, bundle).outcome == "proven"
    for other in ("see the drawer", [{"name": "x"}]):
        ledger, bundle = history(private=other)
        assert verdict(tmp_path, ledger, bundle).facts["attachments"] == "0 of 0 are there as recorded"


def test_a_folder_that_is_none_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, bundle = history(listed(FRONT))
    document, shelf = tmp_path / "history.json", tmp_path / "shelf"
    document.write_text(json.dumps(bundle))
    words = ["verify", document, "--vkey", ledger.vkey, "--attachments", shelf]
    assert patina(*words) != 0
    with pytest.raises(Malformed, match="want a folder of files"):
        read_shelf(shelf)
    shelf.mkdir()
    assert patina(*words) == 2
    assert "not in the folder" in capsys.readouterr().out
    (shelf / "one").write_bytes(FRONT)
    assert patina(*words) == 0
    (shelf / "two").write_bytes(BACK)
    monkeypatch.setattr(files, "MAX_FILES", 1)
    assert patina(*words) != 0
