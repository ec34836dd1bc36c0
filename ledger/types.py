"""The table of statement types (events.md §1-§4) and the check of ``details`` against it.

Type names and required members are for ever. The rows stand in ``types_party``, ``types_item`` and
``types_case``; ``python -m ledger.types`` prints them as the Markdown page ``docs/statements.md``.

>>> check_details("repair.completed", {"work": ["polish"], "tests": [], "mood": "good"})
('/details/mood',)
>>> try:
...     check_details("repair.completed", {"work": ["polish"], "tests": [{"name": "stone tight"}]})
... except PatinaError as wrong:
...     print(wrong.pointer, wrong)
/details/tests/0/result got no result, want text of 1 to 64 characters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from ledger.errors import PatinaError, Unknown
from ledger.shapes import Shape
from ledger.types_case import CASE_TYPES
from ledger.types_item import ITEM_TYPES
from ledger.types_party import PARTY_TYPES
from ledger.types_row import KINDS, MARKS, ROLES, Type

SECTIONS: Final[Mapping[str, tuple[Type, ...]]] = MappingProxyType(
    {
        "The ledger, its parties, their keys and standards": PARTY_TYPES,
        "Items": ITEM_TYPES,
        "Cases and the work done in them": CASE_TYPES,
    }
)
TYPES: Final[Mapping[str, Type]] = MappingProxyType({one.name: one for section in SECTIONS.values() for one in section})
_CHECKS: Final = {name: one.details.check for name, one in TYPES.items()}
_CORRECTIONS: Final = {name: one.correction.check for name, one in TYPES.items()}
_NAMING: Final = frozenset(name for name, one in TYPES.items() if one.names_holder)
assert len(TYPES) == sum(map(len, SECTIONS.values())), "a type stands twice"


def check_details(type_name: str, details: Any) -> tuple[str, ...]:
    """Return JSON pointers, from ``/details``, to members of ``details`` that the type does not know.

    Those are for the caller to judge: the service refuses them, a verifier could not tell (format.md §9).
    Raises ``Invalid`` with the pointer of the first member that is missing or has a value of another shape,
    and ``Unknown`` for a type, or a key of a type, that this version does not know.
    """
    return _check(_CHECKS, type_name, details, "/details")


def check_correction(type_name: str, details: Any) -> tuple[str, ...]:
    """Return JSON pointers, from ``/details/details``, to unknown members of corrected ``details``.

    ``type_name`` is the type of the statement that is corrected. Its details are given whole, but for the
    members that say whose key counts: these change by their own types alone (events.md §1 rule 8). Raises
    as ``check_details``.
    """
    return _check(_CORRECTIONS, type_name, details, "/details/details")


def holder_key(type_name: str, details: Mapping[str, Any]) -> str | None:
    """Return the did:key of the holder that checked ``details`` name, or ``None``.

    Only some types name a holder: in another one, a member that is called so is one that nobody knows, or, in an
    open object, anything at all.
    """
    return details.get("holder_key") if type_name in _NAMING else None


def describe() -> list[dict[str, Any]]:
    """Return the table as JSON values, in the order of events.md.

    Each row has ``type``, ``section``, ``kinds``, ``who``, ``on_behalf`` and ``outside`` (roles that need
    that member), ``second``, ``subjects`` (least, greatest), ``required`` and ``optional`` (member to the
    words of its shape) and ``private`` (members that stand behind ``_sd``).
    """
    return [
        {
            "type": one.name,
            "section": section,
            "kinds": [kind for kind in KINDS if kind in one.kinds],
            "who": _ordered(one.who),
            "on_behalf": _ordered(one.behalf),
            "outside": _ordered(one.outside),
            "second": one.second,
            "subjects": list(one.subjects),
            "required": _said(one.required),
            "optional": _said(one.optional),
            "private": list(one.private),
        }
        for section, types in SECTIONS.items()
        for one in types
    ]


def format_types() -> str:
    """Return the table as the Markdown page ``docs/statements.md``."""
    return "\n".join(_page()) + "\n"


def _check(checks: Mapping[str, Any], type_name: str, details: Any, base: str) -> tuple[str, ...]:
    check = checks.get(type_name)
    if check is None:
        raise Unknown(f"this version does not know the type {type_name[:65]!r}", "/type")
    try:
        unknown: tuple[str, ...] = check(details)
    except PatinaError as wrong:
        wrong.pointer = base + wrong.pointer
        raise
    return tuple(base + pointer for pointer in unknown) if unknown else ()


def _ordered(who: frozenset[str]) -> list[str]:
    return [one for one in (*ROLES, *MARKS) if one in who]


def _said(shapes: Mapping[str, Shape]) -> dict[str, str]:
    return {name: shape.says for name, shape in shapes.items()}


_SPEAKERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "entry0": "the operator, as entry 0",
        "holder": "the holder",
        "self": "the party itself",
        "same": "the party that said what is corrected",
        "concerned": "a party that has a statement about the subject",
    }
)
_ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ledger": "the ledger",
        "authority": "a party's authority subject",
        "party": "a party",
        "item": "an item",
        "case": "a case",
    }
)
_INTRODUCTION: Final = """\
# Statements

Every type of statement, who may say it, what it is about, and what may stand in its `details`. This page is
printed by `python -m ledger.types`; the names of types and the required members are for ever.

A member that is not listed is refused by the service; a reader that meets one says "could not tell". What is
listed as private, and every other piece of personal data, stands behind `_sd` and never in `details`; a
reason is a word, and what there is to say beside it is the private member `note`. `holder_key` and
`holder_custody` stand together or not at all, and so do `on_behalf` and `basis`. A case that is not about an
item is its own first subject and the party the second; every other statement has one subject unless it says
more below."""


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    for section, types in SECTIONS.items():
        yield f"\n## {section}"
        for one in types:
            yield from _entry(one)


def _entry(one: Type) -> Iterator[str]:
    yield f"\n### `{one.name}`"
    yield f"\nSaid by: {_speakers(one)}. About: {_subjects(one)}.\n"
    if one.required or one.optional:
        yield "| member | | shape |"
        yield "|---|---|---|"
    for need, shapes in (("required", one.required), ("", one.optional)):
        for name, shape in shapes.items():
            yield f"| `{name}` | {need} | {shape.says.replace('|', '&#124;')} |"
    if not one.required and not one.optional:
        yield "No members."
    if one.private:
        yield f"\nPrivate: {', '.join(f'`{name}`' for name in one.private)}."


def _speakers(one: Type) -> str:
    said = [_SPEAKERS.get(who, who) for who in _ordered(one.who)]
    said += [f"{role} with `on_behalf`" for role in _ordered(one.behalf)]
    said += [f"{role} with `performed_by` `outside`" for role in _ordered(one.outside)]
    return ", ".join(said)


def _subjects(one: Type) -> str:
    least, greatest = one.subjects
    any_kind = len(one.kinds) == len(KINDS)
    kinds = "anything" if any_kind else " or ".join(_ABOUT[kind] for kind in KINDS if kind in one.kinds)
    if one.second:
        return f"{kinds}, and {'another' if least == greatest else 'perhaps another'} {one.second}"
    return kinds if greatest == 1 else f"{kinds}, {least} to {greatest} subjects"


if __name__ == "__main__":
    print(format_types(), end="")  # noqa: T201 - the page is what this is run for
