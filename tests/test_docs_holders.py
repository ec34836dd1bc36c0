"""The walk of docs/holders.md, run as it stands against a demo that is being served."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from api.cli import demo, folder
from ledger.disclosure import parse_disclosure
from tests.served import Server

ROOT = Path(__file__).resolve().parents[1]


def test_the_walk_works_as_it_stands(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    demo.found(directory, demo.ORIGIN)
    with folder.opened(directory) as ledger:
        demo.load(ledger)
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "holders.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    server = Server(directory, "pk_none")
    script = "set -eu\n" + "".join(blocks).replace("http://127.0.0.1:8000", f"http://{server.place}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert server.stop() == 0
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "lost: True, said by the holder's own device" in lines
    assert any(line.startswith("proven: history") for line in lines)
    (history,) = tmp_path.glob("*/history.json")
    (texts,) = json.loads(history.read_text("utf-8"))["disclosures"].values()
    found = {one.name: one.value for one in map(parse_disclosure, texts)}
    assert found == {"price": {"amount": "480.00", "currency": "EUR"}}
