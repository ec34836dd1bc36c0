"""A small language of shapes for the members of ``details`` (format.md §1 and §2, events.md).

A shape says what a JSON value must be. It is made once, as a closure, and then called for every statement:
it raises with a JSON pointer to the place that is wrong, or returns pointers to the members it does not know.
The two are apart because they are judged apart: what is wrong is refused by everybody for ever, while an
unknown member may be a later version's (format.md §9). Shapes are of single values (``text``, ``words``,
``integer`` …) or are made of others (``many``, ``record``, ``mapping``, ``either``).

>>> test = record({"name": text(120), "result": words("pass", "fail")})
>>> tests = many(test, at_most=64)
>>> tests.check([{"name": "stone tight", "result": "pass", "loupe": "10x"}])
('/0/loupe',)
>>> try:
...     tests.check([{"name": "stone tight", "result": "good"}])
... except Invalid as wrong:
...     print(wrong.pointer, wrong)
/0/result got 'good', want one of pass, fail
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NoReturn

from ledger.didkey import parse_did
from ledger.errors import Invalid, PatinaError, Unknown
from ledger.times import parse_occurred
from ledger.uri import subject_kind

Check = Callable[[Any], tuple[str, ...]]

MAX_INTEGER: Final = 2**53 - 1
# A measured list of one service: the longest price list of a workshop has about forty lines.
MAX_LIST: Final = 64
# Grades of a stone, names of a report: more than this is a document, and belongs in an attachment.
MAX_NAMES: Final = 32
# Browsers and printers agree about addresses up to this length.
MAX_URL: Final = 2048

UUID: Final = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TOKEN: Final = "[a-z][a-z0-9_]{0,63}"  # noqa: S105 - a pattern of words
AGENT: Final = "[A-Za-z0-9_-]{1,64}"

_TOKEN = re.compile(TOKEN)
_DATE = re.compile("(?!0|9999)[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TOLD = 1_000_000
_FORMS: Final[Mapping[type, str]] = {
    str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object",
    type(None): "null", float: "a number that is no integer",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """What a JSON value must be.

    ``check(value)`` returns JSON pointers, relative to the value, to unknown members of closed objects. It
    raises ``Invalid`` with the pointer of what is wrong, and, if nothing is wrong, ``Unknown`` for a key of a
    type that this version does not know. ``says`` is the shape in words, the same in messages and in
    ``docs/statements.md``; ``form`` is the JSON type, which lets ``either`` choose.

    For ``ledger.explained``: ``facts`` are keywords of JSON Schema, ``members`` an object's by name, ``required`` the
    names it must have, ``each`` the shape of a list's values or an object's others, ``choices`` those of ``either``.
    """

    form: type
    says: str
    check: Check
    facts: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    each: Shape | None = None
    choices: tuple[Shape, ...] = ()


def refuse(value: object, want: str) -> NoReturn:
    """Raise ``Invalid`` saying what form ``value`` has; of content only words and small numbers are told."""
    if type(value) is str:
        got = repr(value) if _TOKEN.fullmatch(value) else f"a string of {len(value)} characters"
    elif type(value) is bool:
        got = "true" if value else "false"
    elif type(value) is int:
        got = str(value) if abs(value) <= _TOLD else "a greater integer"  # it might be a telephone number
    elif type(value) is list:
        got = f"a list of {len(value)}"
    else:
        got = _FORMS.get(type(value), "something that is not JSON")
    raise Invalid(f"got {got}, want {want}")


def text(limit: int) -> Shape:
    """Return the shape of a string of 1 to ``limit`` characters (Unicode code points)."""
    says = f"text of 1 to {limit} characters"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not str or not 0 < len(value) <= limit:
            refuse(value, says)
        return ()

    return Shape(str, says, check, {"minLength": 1, "maxLength": limit})


def pattern(expression: str, says: str) -> Shape:
    """Return the shape of a string that matches the whole of ``expression``."""
    fullmatch = re.compile(expression).fullmatch

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not str or fullmatch(value) is None:
            refuse(value, says)
        return ()

    return Shape(str, says, check, {"pattern": f"^(?:{expression})$"})


def words(*allowed: str) -> Shape:
    """Return the shape of one word of a closed list."""
    known = frozenset(allowed)
    says = f"one of {', '.join(allowed)}" if len(allowed) > 1 else f"the word {allowed[0]}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not str or value not in known:
            refuse(value, says)
        return ()

    return Shape(str, says, check, {"enum": list(allowed)})


def words_or(shape: Shape, *allowed: str) -> Shape:
    """Return the shape of a string that is one of the words ``allowed``, or else of ``shape``."""
    known = frozenset(allowed)
    below = shape.check
    says = f"{', '.join(allowed)}, or {shape.says}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not str:
            refuse(value, says)
        return () if value in known else below(value)

    return Shape(str, says, check)


def integer(low: int, high: int) -> Shape:
    """Return the shape of an integer from ``low`` to ``high``; ``true`` is not the integer 1."""
    says = f"an integer from {low} to {high}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not int or not low <= value <= high:
            refuse(value, says)
        return ()

    return Shape(int, says, check, {"minimum": low, "maximum": high})


def parsed(parse: Callable[[str], object], says: str) -> Shape:
    """Return the shape of a string that ``parse`` takes; it raises ``PatinaError`` or ``ValueError``.

    ``Unknown`` stays ``Unknown``, because a key of another type is not wrong (format.md §9).
    """

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not str:
            refuse(value, says)
        try:
            parse(value)
        except Unknown:
            raise Unknown(f"got a kind that is not known here, want {says}") from None
        except (PatinaError, ValueError):
            refuse(value, says)
        return ()

    return Shape(str, says, check)


def either(*shapes: Shape) -> Shape:
    """Return the shape of a value of one of ``shapes``, which the JSON type of the value chooses."""
    checks = {shape.form: shape.check for shape in shapes}
    assert len(checks) == len(shapes), "the forms of an either differ"
    says = ", or ".join(shape.says for shape in shapes)

    def check(value: Any) -> tuple[str, ...]:
        chosen = checks.get(type(value))
        if chosen is None:
            refuse(value, says)
        return chosen(value)

    return Shape(object, says, check, choices=shapes)


def many(shape: Shape, at_most: int = MAX_LIST, *, at_least: int = 0, distinct: bool = False) -> Shape:
    """Return the shape of a list of ``at_least`` to ``at_most`` values; ``distinct`` ones are strings."""
    one = shape.check
    count = f"up to {at_most}" if at_least == 0 else f"{at_least} to {at_most}"
    says = f"a list of {count}{' distinct' if distinct else ''}: {shape.says}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not list or not at_least <= len(value) <= at_most:
            refuse(value, says)
        unknown = _walk(enumerate(value), {}, one)
        if distinct and len(set(value)) < len(value):
            raise Invalid("got a value twice in the list, want distinct ones")
        return unknown

    facts = {"minItems": at_least, "maxItems": at_most} | ({"uniqueItems": True} if distinct else {})
    return Shape(list, says, check, facts, each=shape)


def record(
    required: Mapping[str, Shape],
    optional: Mapping[str, Shape] | None = None,
    *,
    together: tuple[tuple[str, ...], ...] = (),
    others: Shape | None = None,
) -> Shape:
    """Return the shape of an object with ``required`` and ``optional`` members.

    Members of one tuple of ``together`` stand together or not at all. Members that are not named are of the
    shape ``others``; without it the object is closed, and they are reported as unknown.
    """
    shapes = {**required, **(optional or {})}
    checks = {name: shape.check for name, shape in shapes.items()}
    other = others.check if others else None
    says = f"an object with {_members(required, optional or {}, others)}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not dict:
            refuse(value, says)
        for name in required:
            if name not in value:
                raise Invalid(f"got no {name}, want {shapes[name].says}", f"/{name}")
        for group in together:
            absent = [name for name in group if name not in value]
            if 0 < len(absent) < len(group):
                present = next(name for name in group if name in value)
                raise Invalid(f"got {present} without {absent[0]}, want {shapes[absent[0]].says}", f"/{absent[0]}")
        return _walk(value.items(), checks, other)

    return Shape(dict, says, check, members=shapes, required=tuple(required), each=others)


def mapping(shape: Shape, at_most: int = MAX_NAMES) -> Shape:
    """Return the shape of an object of up to ``at_most`` members of any names.

    What a name may be is the same for every object (format.md §1), so ``canonical`` holds it.
    """
    one = shape.check
    says = f"an object of up to {at_most} names, each with {shape.says}"

    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not dict or len(value) > at_most:
            refuse(value, says)
        return _walk(value.items(), {}, one)

    return Shape(dict, says, check, {"maxProperties": at_most}, each=shape)


def _walk(members: Iterable[tuple[Any, Any]], checks: dict[str, Check], other: Check | None) -> tuple[str, ...]:
    """Check every member of a container; ``other`` checks what has no check of its own."""
    unknown: list[str] = []
    untold: Unknown | None = None
    for name, member in members:
        check = checks.get(name, other)
        if check is None:
            unknown.append(f"/{escaped(name)}")
            continue
        try:
            below = check(member)
        except PatinaError as wrong:
            wrong.pointer = f"/{escaped(name)}{wrong.pointer}"
            if not isinstance(wrong, Unknown):
                raise
            untold = untold or wrong
        else:
            if below:
                unknown += [f"/{escaped(name)}{pointer}" for pointer in below]
    if untold is not None:
        raise untold
    return tuple(unknown)


def _members(required: Mapping[str, Shape], optional: Mapping[str, Shape], others: Shape | None) -> str:
    listed = [f"{name} ({shape.says})" for name, shape in required.items()]
    listed += [f"{name}? ({shape.says})" for name, shape in optional.items() if shape is not ABSENT]
    listed += [f"any others ({others.says})"] if others else []
    said = ", ".join(listed) or "no members"
    absent = [name for name, shape in optional.items() if shape is ABSENT]
    return f"{said}, but no {' or '.join(absent)}" if absent else said


def escaped(name: str | int) -> str:
    """A name as a JSON pointer has it."""
    return str(name).replace("~", "~0").replace("/", "~1")  # RFC 6901 §3


def _parse_date(value: str) -> None:
    if not _DATE.fullmatch(value):
        raise ValueError
    date.fromisoformat(value)


def _parse_moment(value: str) -> None:
    _parse_date(value) if len(value) == len("YYYY-MM-DD") else parse_occurred(value)


def _parse_item(value: str) -> None:
    if subject_kind(value) == "authority":
        raise ValueError


def _truth(says: str, *allowed: bool) -> Shape:
    def check(value: Any) -> tuple[str, ...]:
        if type(value) is not bool or value not in allowed:
            refuse(value, says)
        return ()

    return Shape(bool, says, check, {"enum": list(allowed)})


ABSENT: Final = Shape(object, "no such member", lambda value: refuse(value, "no such member"))
ANYTHING: Final = Shape(object, "any JSON", lambda _value: ())
FLAG: Final = _truth("true or false", True, False)
TRUE: Final = _truth("true", True)
WORD: Final = pattern(TOKEN, f"a word {TOKEN}")
DATE: Final = parsed(_parse_date, "a date YYYY-MM-DD")
TIME: Final = parsed(parse_occurred, "a time with zone, as occurred_at")
MOMENT: Final = parsed(_parse_moment, "a date YYYY-MM-DD or a time with zone")
DID: Final = parsed(parse_did, "a did:key")
ITEM: Final = parsed(_parse_item, "an item's URI in canonical form")
STATEMENT: Final = pattern(UUID, "a statement id, urn:uuid: and a lower-case uuid")
PARTY: Final = pattern(UUID, "a party, urn:uuid: and a lower-case uuid")
STAFF: Final = pattern(AGENT, f"a pseudonymous staff id {AGENT}")
HASH: Final = pattern("[0-9a-f]{64}", "64 lower-case hexadecimal digits")
# 43 characters hold 258 bits; the last of them has only the sixteen values that leave two bits zero.
DIGEST: Final = pattern("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", "a disclosure digest, base64url of 32 bytes")
# As RFC 3986 without user, address literals and bare characters that browsers rewrite.
URL: Final = pattern(
    rf"(?=.{{1,{MAX_URL}}}\Z)https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?"
    r"(?:[/?#](?:[A-Za-z0-9._~:/?#@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*)?",
    "an https URL",
)


def decimal(*, signed: bool = False) -> Shape:
    """Return the shape of a decimal number as a string, up to 15 digits before and 9 after the point."""
    sign = "-?" if signed else ""
    says = f"a decimal number as a string, such as {'-' if signed else ''}0.25"
    return pattern(rf"{sign}(?:0|[1-9][0-9]{{0,14}})(?:\.[0-9]{{1,9}})?", says)
