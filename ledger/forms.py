"""The forms of strings in statements and leaves (format.md §2, §4): hashes, uuids, names; and their words."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

HASH = "[0-9a-f]{64}"
UUID = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ZERO_HASH = "0" * 64

Hash64 = Annotated[str, Meta(pattern=rf"\A{HASH}\Z")]
FileName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]
MediaType = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\Z")]
SdDigest = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

STATEMENT = {
    "id": (UUID, "urn:uuid: and a lower-case uuid"),
    "type": (r"[a-z]{1,32}\.[a-z_]{1,32}", "two words and a point, such as repair.completed"),
    "ledger": (HASH, "64 lower-case hex digits"),
    "case": (UUID, "urn:uuid: and a lower-case uuid"),
    "corrects": (UUID, "urn:uuid: and a lower-case uuid"),
    "grant": (HASH, "64 lower-case hex digits"),
    "agent": ("[A-Za-z0-9_-]{1,64}", "1 to 64 of A-Z a-z 0-9 _ -"),
}
"""Members of a statement that have a form, as a pattern and in words."""
are_formed = re.compile("\n".join(form for form, _ in STATEMENT.values())).fullmatch
"""Matches the members of ``STATEMENT``, one a line: seven matches in one."""
is_uuid = re.compile(UUID).fullmatch


def is_hash(text: str) -> bool:
    """Whether this is 64 hex, a few times faster than its pattern."""
    try:
        return len(text) == len(ZERO_HASH) and bytes.fromhex(text).hex() == text
    except ValueError:
        return False
