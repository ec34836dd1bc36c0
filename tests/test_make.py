"""What `make run` runs, and where it serves; that a machine with Python and make alone suffices is tried by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is absent")
@pytest.mark.parametrize(
    ("given", "words", "port"),
    [(None, [], "8000"), ("", [], "8000"), ("8009", [], "8009"), ("8009", ["PORT=8010"], "8010")],
)
def test_the_port_is_8000_unless_another_is_given(given: str | None, words: list[str], port: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"PORT", "MAKEFLAGS"}}
    if given is not None:
        environment["PORT"] = given
    told = subprocess.run(
        ["make", "--dry-run", "run", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    served = [line for line in told.stdout.splitlines() if " serve " in line]
    assert served == [f".venv/bin/patina serve --dir var --host 127.0.0.1 --port {port} --announce"]
