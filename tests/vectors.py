"""Where the shared test vectors are: `$PATINA_VECTORS`, else `../shared/vectors` beside the checkout.

The folder is no part of the project. A test that needs it skips, and says so, where it is absent.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


def find_vectors() -> Path | None:
    """The folder of shared vectors, or `None` where it is absent."""
    named = os.environ.get("PATINA_VECTORS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "vectors"
    return folder if folder.is_dir() else None


def vector(name: str) -> Any:
    """The JSON of one vector file, named from the vectors folder; skips the test where it is absent."""
    folder = find_vectors()
    path = folder / name if folder else None
    if path is None or not path.is_file():
        pytest.skip(f"the shared vectors have no {name}")
    return json.loads(path.read_text("utf-8"))
