"""What the tests of the rules share: a ring that is registered and sold, claims, and how a refusal looks."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import PatinaError
from ledger.leaf import Entry
from tests.world import RING, World, did

WORK: dict[str, Any] = {"work": ["polish"], "tests": []}
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
CERTIFIED = {"certificate_no": "C1", "result": "authentic", "methods": ["loupe"]}


def named(name: str, custody: str = "receipt", **more: Any) -> dict[str, Any]:
    return {"holder_key": did(name), "holder_custody": custody, **more}


@pytest.fixture
def world() -> World:
    """A ledger with a registered ring."""
    made = World()
    made.say("item.registered", "shop", RING, {"name": "Ring", "category": "jewellery"})
    return made


@pytest.fixture
def sale(world: World) -> Entry:
    """The ring is sold with a receipt key."""
    return world.say("item.sold", "shop", RING, named("paper", channel="store"))


def refused(kind: type[PatinaError], pointer: str, call: Any, *args: Any, **more: Any) -> PatinaError:
    """The error of a call; it is of exactly this class, at this pointer, and says something."""
    with pytest.raises(kind) as caught:
        call(*args, **more)
    assert type(caught.value) is kind
    assert caught.value.pointer == pointer, caught.value.message
    assert caught.value.message
    return caught.value


def claim(world: World, grant: str, new: str, old: str = "paper") -> Entry:
    return world.hold("item.claimed", old, RING, named(new, "device"), grant, keys=[did(old), did(new)])
