"""The standards that come with Patina: documents that a party may adopt as they are, or change and adopt as its own.

They are files beside this one, each a document of ``standard_shape``; ``docs/standards.md`` has their figures. This
package reads files, and so is no part of the core: whoever judges a case reads the document on the ledger instead.

>>> template("eu")["warranty"]["months"]
24
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from ledger.errors import Invalid

NAMES: Final = ("consumer-goods", "furniture", "jewellery", "customer-service", "cn", "tw", "eu")


def template(name: str) -> dict[str, Any]:
    """The document of a built-in template; raises ``Invalid`` for a name that is none."""
    if name not in NAMES:
        raise Invalid(f"got the standard {name[:40]!r}, want one of {', '.join(NAMES)}")
    document: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    return document
