"""The pictures of a case's states are those of the code: each state, and every statement that brings it about."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ledger.course import STATUS
from ledger.types import TYPES

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
TEXT = "{http://www.w3.org/2000/svg}text"
OF_A_PAUSE = {"case.waiting": "waiting", "case.resumed": "waiting"}
# A picture says by which statement a thing that is away comes back; that it is received then, its words below say.
OTHERS = OF_A_PAUSE | {"case.closed": "closed", "case.returned": "away"}


def texts(name: str) -> list[str]:
    return [one.text or "" for one in ET.parse(PICTURES / name).getroot().iter(TEXT)]


@pytest.mark.parametrize("name", ["case-states.svg", "case-states-narrow.svg"])
def test_every_state_and_what_brings_it_about_is_in_the_picture(name: str) -> None:
    said = " ".join(one for text in texts(name) for one in (text, *_named(text)))
    types = set(re.findall(r"\b[a-z]+\.[a-z_]+\b", said))
    assert types >= set(STATUS) | set(OTHERS), set(STATUS) - types
    assert types <= set(TYPES), "the format has these, and no others"
    assert {state for state in STATUS.values() if state.replace("_", " ") not in said} == set()


@pytest.mark.parametrize("name", ["case-states.svg", "case-states-narrow.svg"])
def test_a_box_has_the_statements_of_its_state(name: str) -> None:
    # A box is the name of its state, or of two, and then its statements; the words below the boxes are sentences.
    kinds = re.compile(r"[a-z]+\.[a-z_]+(, [a-z]+\.[a-z_]+)*")
    parts = [(bool(kinds.fullmatch(text)), text) for text in texts(name)[1:]]
    state, boxes = "", 0
    for is_kinds, group in groupby(parts, key=lambda one: one[0]):
        words = [text for _, text in group]
        if not is_kinds:
            state = words[-1]
            continue
        for kind in ", ".join(words).split(", "):
            if kind == "case.reopened":  # beside its arrow
                continue
            want = {STATUS.get(kind, ""), OTHERS.get(kind, "")} - {""}
            assert want & {one.replace(" ", "_") for one in _named(state)}, (state, kind)
            boxes += 1
    assert boxes >= 15


def _named(label: str) -> list[str]:
    """The states of a label: "work done / failed" are two."""
    first, _, second = label.partition(" / ")
    whole = f"{first.rpartition(' ')[0]} {second}".strip()
    return [one for one in (first, second, whole) if one]
