"""The examples of docs/cases.md, run as they stand against a served demo ledger, which is audited afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from api.cli.announce import KEPT
from tests.test_cli_serve import ROOT, directory, serving

__all__ = ["directory"]


def kept(directory: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((directory / KEPT).read_text("utf-8"))
    return found


def audited(directory: Path) -> str:
    words = [sys.executable, "-m", "ledger.command", "audit", str(directory), "--vkey", str(kept(directory)["vkey"])]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120).stdout


def test_the_repair_with_curl_works_as_it_stands(directory: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "cases.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    (tmp_path / "var").symlink_to(directory)
    with serving(directory) as (url, _):
        done = subprocess.run(
            ["bash", "-c", "set -eu\n" + "".join(blocks).replace("http://127.0.0.1:8000", url)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    refused = [answer for answer in answers if "status" in answer]
    assert [(one["status"], one["may_follow"]) for one in refused] == [(409, ["case.received"])]
    assert len(answers) == 10
    case = json.loads((tmp_path / "case.json").read_text())
    assert (case["status"], case["quotes"][0]["decision"], case["identity"]) == ("closed", "approved", [])
    chain = json.loads((tmp_path / "chain.json").read_text())
    assert [link["role"] for link in chain["links"]] == ["registered", "diagnosed", "repaired"]
    assert audited(directory).startswith("proven")


def test_the_four_cases_from_python_work_as_they_stand(directory: Path) -> None:
    operator = kept(directory)["operator"]
    assert isinstance(operator, dict)
    with serving(directory) as (url, _):
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "python" / "cases.py"), "--url", url],
            env=os.environ | {"PATINA_API_KEY": operator["api_key"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "case.handed_over is refused: nobody has this in custody; may follow: case.received",
        "status closed, rated 5 by a key on a device, 0 differences in identity",
        "found responsible: manufacturer",
        "work takes another one; may follow: case.opened",
        "status closed, unverified",
        "1 before, 0 after",
    ):
        assert words in done.stdout, done.stdout
    assert audited(directory).startswith("proven")


def test_the_four_cases_with_curl_work_as_they_stand(directory: Path) -> None:
    with serving(directory) as (url, _):
        done = subprocess.run(
            [str(ROOT / "examples" / "curl" / "four-cases.sh")],
            env=os.environ | {"PATINA_URL": url, "PATINA_DIR": str(directory)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the case is closed") == 2
    assert "unverified: True" in done.stdout
    # Whoever wrote it reads all of the answer by the code, newest last.
    assert re.search(r"case\.opened\n +case\.responded\n +case\.decided\n +case\.closed\n", done.stdout)
    stands = re.findall(r"stands: (\[.*?\])", done.stdout)
    assert ["L-1" in one for one in stands] == [True, False]
    assert audited(directory).startswith("proven")
