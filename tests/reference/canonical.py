"""format.md §1 written again: `json` parses, `rfc8785` encodes, and a plain walk knows the rules."""

from __future__ import annotations

import json
from typing import Any

import rfc8785

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FORBIDDEN = (
    set(range(0x0A))
    | set(range(0x0B, 0x20))
    | set(range(0x7F, 0xA0))
    | set(range(0x202A, 0x202F))
    | set(range(0x2066, 0x206A))
    | set(range(0xD800, 0xE000))
)


class TwiceError(ValueError):
    """A member name stands twice in one object."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in members}) != len(members):
        raise TwiceError
    return dict(members)


def is_name(name: str) -> bool:
    """`_?[A-Za-z][A-Za-z0-9_]{0,62}`, spelled out."""
    rest = name.removeprefix("_")
    return 1 <= len(rest) <= 63 and rest[0] in LETTERS and all(c in LETTERS or c in "0123456789_" for c in rest)


def is_allowed(value: Any, inside: int = 0) -> bool:
    """Whether §1 allows `value`, which stands inside `inside` containers."""
    if value is None or value is True or value is False:
        return True
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, str):
        return not any(ord(character) in FORBIDDEN for character in value)
    if isinstance(value, float) or inside == 16:
        return False
    if isinstance(value, dict):
        return all(is_name(name) and is_allowed(member, inside + 1) for name, member in value.items())
    return all(is_allowed(member, inside + 1) for member in value)


def is_body(raw: bytes) -> bool:
    """Whether `raw` is ordinary JSON within §1's rules but for order and spacing."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=float)
    except (ValueError, RecursionError):
        return False
    return is_allowed(value)


def is_canonical(raw: bytes) -> bool:
    """Whether `raw` is canonical JSON of §1."""
    return is_body(raw) and bool(rfc8785.dumps(json.loads(raw)) == raw)
