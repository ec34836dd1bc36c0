"""What tests of kept files share: a stall, a file that was uploaded there, and a statement that lists it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.db.copies import Kept
from ledger.db.draft import Draft
from ledger.db.ledger import Ledger
from ledger.leaf import Attachment
from tests.files import jpeg
from tests.stall import Stall, stall, urn

SHOP, RIVAL = urn("shop"), urn("rival")
CONTENT = b"what a camera saw" * 9_000
DIGEST = sha256(CONTENT).hexdigest()
SMALL = b"a small one"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def keep(shop: Stall, content: bytes = CONTENT, party: str = SHOP, *, small: bool = True) -> Kept:
    kept, _ = shop.ledger.attachments.keep(
        party, "image/jpeg", io.BytesIO(content), io.BytesIO(SMALL) if small else None
    )
    return kept


def listed(content: bytes = CONTENT, **more: object) -> Attachment:
    values = {"name": "photo.jpg", "media_type": "image/jpeg", "size": len(content)}
    return Attachment(sha256=sha256(content).hexdigest(), **{**values, **more})  # type: ignore[arg-type]


def say(shop: Stall, name: str = "ring", *, public: bool = True, content: bytes = CONTENT) -> str:
    """Register an item with a file listed; the statement's id."""
    statement = urn(f"statement of {name}")
    rows = shop.ledger.attachments.use_rows([listed(content)], [SHOP], public=public)
    shop.accept(shop.register(name, id=statement, rows=rows))
    return statement


def stored(shop: Stall) -> list[Path]:
    return sorted(path for path in (shop.directory / "blobs").glob("??/??/*"))


def keys(shop: Stall) -> list[str]:
    """The digests of the files that have a key."""
    return sorted(bytes(row[1]).hex() for row in shop.ledger.epochs.rows()[2])


def keep_of(ledger: Ledger) -> Kept:
    kept = ledger.attachments.find(DIGEST, [SHOP])
    assert kept is not None
    return kept


def read(shop: Stall, kept: Kept, **more: bool) -> bytes:
    return b"".join(shop.ledger.attachments.parts(kept, **more))


def uploaded(ledger: Ledger, party: str) -> Attachment:
    """A photograph that a party uploaded."""
    kept, _ = ledger.attachments.keep(party, "image/jpeg", io.BytesIO(jpeg()), None)
    return Attachment(media_type=kept.media_type, name="ring.jpg", sha256=kept.sha256, size=kept.size)


def listing(file: Attachment) -> dict[str, Any]:
    """The private member that lists a file."""
    return {"attachments": [{name: getattr(file, name) for name in ("media_type", "name", "sha256", "size")}]}


def with_photo(ledger: Ledger, draft: Draft, file: Attachment) -> Draft:
    """The draft with the rows of a file that it lists in private."""
    said = draft.statement
    rows = ledger.attachments.use_rows([file], [said.party], public=False)
    return replace(draft, rows=(*draft.rows, *rows))
