"""The wire form of a history bundle (format.md §7): JSON, not signed and not canonical, with every list bounded.

{"format": "patina/history/v1", "origin": …, "subject": …, "checkpoint": "<note>",
"tail": {"entry": "<leaf n-1, a seal>", "proof": […]}, "first": {"entry": "<entry 0>", "proof": […]},
"histories": [{"subject": …, "map": {…}, "last_proof": […], "entries": ["<entry>", …]}, …],
"disclosures": {"<statement id>": ["<disclosure>", …]}}
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ledger.errors import Malformed, Unknown
from ledger.forms import Count, Hash64
from ledger.submap import MapProof
from ledger.submap import Other as OtherKey

MAX_NOTE = 65_536
MAX_PROOF = 63
"""Hashes of a Merkle proof: a tree has fewer than 2^63 leaves."""
MAX_MAP_PROOF = 256
_LATER = re.compile(r"patina/history/v(?:[2-9]|[1-9][0-9]{1,8})")

B64Hash = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\Z")]
Proof = Annotated[tuple[B64Hash, ...], Meta(max_length=MAX_PROOF)]


class Proved(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf's exact bytes, and its inclusion proof."""

    entry: str
    proof: Proof


class Other(Struct, frozen=True, forbid_unknown_fields=True):
    """The key that stands alone at an absent subject's place."""

    key: Hash64
    count: Count
    last: Count


class MapPart(Struct, frozen=True, forbid_unknown_fields=True):
    """What the map says of a subject, and the siblings from the root down to its place."""

    count: Count
    last: Count | None
    siblings: Annotated[tuple[B64Hash, ...], Meta(max_length=MAX_MAP_PROOF)]
    other: Other | None


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole history of one subject, oldest first; ``last_proof`` includes the newest entry."""

    subject: str
    map: MapPart
    last_proof: Proof
    entries: tuple[str, ...]


class Bundle(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A history bundle as it travels. ``as_of_index`` is no part of what is proved: a page's wish to look back."""

    format: Literal["patina/history/v1"]
    origin: str
    subject: str
    checkpoint: Annotated[str, Meta(max_length=MAX_NOTE)]
    tail: Proved
    first: Proved
    histories: Annotated[tuple[Part, ...], Meta(min_length=1)]
    disclosures: dict[str, tuple[str, ...]]
    as_of_index: Count | None = None


def parse_history(raw: bytes) -> Bundle:
    """The bundle that this JSON is: no duplicate names, no unknown members, lists within their bounds.

    Raises ``Malformed``, and ``Unknown`` for a later version of the form.
    """
    try:
        # Typed decoding keeps the last of two members of one name; this pass refuses them.
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
        if isinstance(value, dict) and _LATER.fullmatch(str(value.get("format"))):
            raise Unknown(f"got a bundle of the form {value['format'][:40]}, this program knows patina/history/v1")
        return msgspec.json.decode(raw, type=Bundle)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"got no history bundle: {error}") from None


def format_history(bundle: Bundle) -> bytes:
    """The JSON of a bundle; ``parse_history`` undoes it."""
    return msgspec.json.encode(bundle)


def hashes_of(proof: Sequence[str]) -> list[bytes]:
    """The hashes of a proof whose form was checked when the bundle was parsed."""
    return [a2b_base64(text) for text in proof]


def map_proof_of(part: MapPart) -> MapProof:
    """The map proof of one of the histories."""
    other = None if part.other is None else OtherKey(bytes.fromhex(part.other.key), part.other.count, part.other.last)
    return MapProof(part.count, part.last, tuple(hashes_of(part.siblings)), other)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a member name stands twice")
    return value
