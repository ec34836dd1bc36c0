r"""Canonical JSON (format.md §1): JCS (RFC 8785) of a JSON without floats, odd names or hidden characters.

>>> encode({"size": 3, "name": "café"})
b'{"name":"caf\xc3\xa9","size":3}'
>>> decode(b'{"name":"caf\xc3\xa9","size":3}')
{'name': 'café', 'size': 3}

Two things make bytes canonical: encoding what they decode to gives them back, and `_walk` finds nothing
outside §1 in it. The walk is the definition and is slow; `screen` is one regular expression over the bytes
that passes nearly every real document in a few microseconds and never what the walk refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from ledger.errors import Invalid, Malformed, PatinaError

MAX_DEPTH = 16
"""Containers inside one another, the document's own being the first (§1)."""

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader holds exactly (RFC 8785 appendix D)."""

_CONTAINERS = frozenset({dict, list})
_PLAIN = bytes(set(range(0x20, 0x7F)) - set(b"\\"))
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_]{0,62}")
_BAD_CHARACTER = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# A string with nothing to refuse: printable ASCII and every multi-byte character but those that begin with C2 or
# E2; the three escapes that may stand; the good part of C2 (U+00A0..U+00BF) and of E2.
_SAFE = (
    rb'"[ !#-\[\]-~]*(?:(?:[\x80-\xc1\xc3-\xe1\xe3-\xff]|\\["\\n]|\xc2[\xa0-\xbf]'
    rb'|\xe2(?:[\x82-\xbf]|\x80[\x80-\xa9\xaf-\xbf]|\x81[\x80-\xa5\xaa-\xbf]))[ !#-\[\]-~]*)*"'
)
# Each round of the outer loop opens one container, so that sixteen rounds bound the depth as well. At each place
# one alternative at most can go on, so failing takes linear time. No possessive quantifiers or atomic groups: up to
# Python 3.11.4 (Debian 12 has 3.11.2) they match what they should not (CPython issue 106052).
_SCREEN = re.compile(
    rb'(?:[{\[](?:"_?[A-Za-z][A-Za-z0-9_]{0,62}":|[}\],]|' + _SAFE + rb"|-?[0-9]{1,15}(?![0-9.eE])"
    rb"|true|false|null)*){1,16}"
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode
_encode_msgpack = msgspec.msgpack.Encoder().encode


def encode(value: Any) -> bytes:
    """Canonical bytes of `value`: dicts, lists, tuples, strings, integers, booleans, `None`, msgspec Structs.

    Raises `Invalid`, with the JSON pointer of the place, for what §1 forbids.
    """
    try:
        raw = _encode(value)
    except RecursionError:
        raise Invalid(f"got a value nested too deeply, want at most {MAX_DEPTH} containers") from None
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise Invalid(f"got a value that JSON cannot hold: {error}") from None
    # The encoder writes NaN and the infinities as null; MessagePack keeps them, behind the marker byte CB.
    if not screen(raw) or (b"null" in raw and b"\xcb" in _encode_msgpack(value)):
        _walk(msgspec.to_builtins(value), "", 0, Invalid)
    return raw


def decode(raw: bytes) -> Any:
    """The value that canonical `raw` stands for; raises `Malformed` unless `raw` is canonical (§1)."""
    value, again = _parse(raw)
    if again != raw:
        raise Malformed(f"got bytes that differ at {_first_difference(raw, again)} from their canonical form")
    if not screen(raw):
        _walk(value, "", 0, Malformed)
    return value


def decode_body(raw: bytes) -> Any:
    """The value of an ordinary JSON text such as the body of a request: any spacing, any order of members.

    Raises `Malformed`, with the JSON pointer of the place, for a name that stands twice in an object, a
    float, and every name, string, integer or depth that §1 forbids.
    """
    value, again = _parse(raw)
    # Spacing aside, nothing grows by being decoded and encoded again; what shrank may have lost a member.
    whole = len(msgspec.json.format(raw, indent=-1)) == len(again)
    if not whole:
        value = _parse_slowly(raw)
    if not whole or not screen(again):
        _walk(value, "", 0, Malformed)
    return value


def check_rules(raw: bytes) -> None:
    """Raise `Malformed` if §1's walk refuses `raw`, which is known to equal its own sorted re-encoding.

    For callers that have decoded `raw` into a typed value without `msgspec.Raw` and encoded that again.
    """
    if not screen(raw):
        _walk(_parse(raw)[0], "", 0, Malformed)


def check_part(raw: bytes, part: dict[str, Any], depth: int) -> None:
    """`check_rules`, for a caller whose typed decoding leaves only `part` of `raw` to anything §1 forbids.

    `part` is an object inside `raw`, itself container number `depth`: everything else in `raw` has its names, integers
    and depth by its type. A quick look passes nearly every real document, and never one that the walk refuses.
    """
    # Every character that §1 forbids is unprintable, or it is escaped.
    strange = raw.translate(None, _PLAIN)
    if (strange and (b"\\" in strange or not strange.decode().isprintable())) or not _is_plain(part, depth):
        check_rules(raw)


def _is_plain(part: dict[str, Any] | list[Any], depth: int) -> bool:
    """Whether names, numbers and depth of a decoded value are surely those of §1."""
    if depth > MAX_DEPTH:
        return False
    if type(part) is dict:
        if not all(map(_is_name, part)):
            return False
        members: Iterable[Any] = part.values()
    else:
        members = part
    for member in members:
        kind = type(member)
        if kind is str or kind is bool:
            continue
        if kind is int:
            if not -MAX_INTEGER <= member <= MAX_INTEGER:
                return False
        elif kind not in _CONTAINERS or not _is_plain(member, depth + 1):
            return False
    return True


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def screen(raw: bytes) -> bool:
    """True if the walk would pass `raw`, which is known to equal its own sorted re-encoding.

    False says nothing: the document may hold more than `MAX_DEPTH` containers side by side, or 16 digits.
    """
    return _SCREEN.fullmatch(raw) is not None


class _Twice:
    """Stands in a parsed value for an object that has the member `name` more than once."""

    def __init__(self, name: str) -> None:
        self.name = name


def _walk(value: Any, pointer: str, depth: int, error: type[PatinaError]) -> None:
    """Raise `error` at a place of `value` that §1 forbids; `value` stands inside `depth` containers."""
    if not isinstance(value, dict | list | tuple):
        _check_scalar(value, pointer, error)
        return
    if depth == MAX_DEPTH:
        raise error(f"got containers more than {MAX_DEPTH} deep, want at most {MAX_DEPTH}", pointer)
    if isinstance(value, dict):
        _check_names(value, pointer, error)
    for name, member in value.items() if isinstance(value, dict) else enumerate(value):
        _walk(member, f"{pointer}/{name}", depth + 1, error)


def _check_scalar(value: Any, pointer: str, error: type[PatinaError]) -> None:
    """Raise `error` unless `value` is a string, an integer, a truth value or null that §1 allows."""
    if isinstance(value, str):
        if bad := _BAD_CHARACTER.search(value):
            raise error(f"got the character U+{ord(bad[0]):04X} in a string, want none of its kind", pointer)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise error("got an integer beyond 2^53-1, want a decimal string", pointer)
    elif isinstance(value, _Twice):
        raise error(f"got the member {value.name!r} twice, want once", f"{pointer}/{_escaped(value.name)}")
    elif value is not None:
        raise error(f"got a {type(value).__name__}, want a string, an integer or a container", pointer)


def _check_names(value: dict[str, Any], pointer: str, error: type[PatinaError]) -> None:
    """Raise `error` at the first member of `value` whose name §1 forbids."""
    for name in value:
        if not _NAME.fullmatch(name):
            place = f"{pointer}/{_escaped(name)}"
            raise error(f"got the member name {name[:80]!r}, want {_NAME.pattern}", place)


def _escaped(name: str) -> str:
    """One reference token of a JSON pointer (RFC 6901 §3)."""
    return name[:80].replace("~", "~0").replace("/", "~1")


def _parse(raw: bytes) -> tuple[Any, bytes]:
    """The value of any JSON, where the last of twin names wins, and its encoding; raises `Malformed`."""
    try:
        value = _decode(raw)
        return value, _encode(value)
    except RecursionError:
        raise Malformed(f"got JSON nested too deeply, want at most {MAX_DEPTH} containers") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"got a string that is not UTF-8 at its byte {error.start}") from None
    except msgspec.MsgspecError as error:
        raise Malformed(f"got bytes that are not JSON: {error}") from None


def _parse_slowly(raw: bytes) -> Any:
    """Decode JSON with a `_Twice` for each object that has a name twice; raises `Malformed`."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"got bytes that are not JSON: {error}") from None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any] | _Twice:
    """An object of its members in order, or a `_Twice`."""
    seen: dict[str, Any] = {}
    for name, member in members:
        if name in seen:
            return _Twice(name)
        seen[name] = member
    return seen


def _first_difference(one: bytes, other: bytes) -> int:
    """The first offset at which two unequal byte strings differ."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))
