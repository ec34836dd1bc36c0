"""What shapes say beyond yes and no: all that is wrong with a value, and a JSON Schema for whoever writes one.

A check stops at the first thing that is wrong, which is enough to refuse. Whoever mends a document by hand wants all of
them at once, and an editor wants a schema to complete and underline by. Both are read from what a shape is made of.

>>> from ledger.shapes import integer, many, record, text, words
>>> ring = record({"name": text(20), "hallmark": words("Au750", "Ag925")}, {"stones": many(integer(0, 9), 3)})
>>> for wrong in faults(ring, {"hallmark": "Au751", "stones": [1, 10], "colour": "red"}):
...     print(wrong.pointer, wrong)
/name got no name, want text of 1 to 20 characters
/hallmark got a string of 5 characters, want one of Au750, Ag925
/stones/1 got 10, want an integer from 0 to 9
/colour got a member that is not known here, want it left out or spelled right
>>> json_schema(ring)["properties"]["stones"]
{'type': 'array', 'minItems': 0, 'maxItems': 3, 'items': {'type': 'integer', 'minimum': 0, 'maximum': 9}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ledger.errors import Invalid, PatinaError
from ledger.shapes import ABSENT, Shape, escaped

_TYPES: Final[Mapping[type, str]] = {
    str: "string", int: "integer", bool: "boolean", list: "array", dict: "object",
}  # fmt: skip


def faults(shape: Shape, value: Any, pointer: str = "") -> Iterator[Invalid]:
    """Everything that is wrong with a value, in its own order, each at its pointer; nothing if it has the shape.

    A member that the shape does not have is wrong here, as it is to whoever writes a document.
    """
    shape = next((one for one in shape.choices if one.form is type(value)), shape)
    found = False
    if shape.form is dict and type(value) is dict:
        for name in shape.required:
            if name not in value:
                found = True
                yield Invalid(f"got no {name}, want {shape.members[name].says}", f"{pointer}/{escaped(name)}")
    for place, one, member in _parts(shape, value):
        below = f"{pointer}/{escaped(place)}"
        if one is None:
            found = True
            yield Invalid("got a member that is not known here, want it left out or spelled right", below)
            continue
        for wrong in faults(one, member, below):
            found = True
            yield wrong
    if not found:
        try:
            shape.check(value)
        except PatinaError as error:
            yield Invalid(error.message, pointer + error.pointer)


def json_schema(shape: Shape) -> dict[str, Any]:
    """The shape as a JSON Schema (2020-12). What only a program can check is said in a description."""
    if shape.choices:
        return {"anyOf": [json_schema(one) for one in shape.choices]}
    schema: dict[str, Any] = {"type": _TYPES[shape.form]} if shape.form in _TYPES else {}
    schema |= shape.facts
    if not (shape.facts or shape.members or shape.each):
        schema["description"] = shape.says
    if shape.form is dict:
        known = {name: one for name, one in shape.members.items() if one is not ABSENT}
        schema["properties"] = {name: json_schema(one) for name, one in known.items()}
        schema["required"] = list(shape.required)
        schema["additionalProperties"] = False if shape.each is None else json_schema(shape.each)
    elif shape.each is not None:
        schema["items"] = json_schema(shape.each)
    return schema


def _parts(shape: Shape, value: Any) -> Iterable[tuple[str | int, Shape | None, Any]]:
    """The members or values of a container with their shapes; ``None`` for a member that the shape does not have."""
    if shape.form is dict and type(value) is dict:
        return [(name, shape.members.get(name, shape.each), one) for name, one in value.items()]
    if shape.form is list and type(value) is list and shape.each is not None:
        return [(number, shape.each, one) for number, one in enumerate(value)]
    return ()
