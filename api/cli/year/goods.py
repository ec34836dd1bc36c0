"""What the three shops of the year sell, what goes wrong with it, and what is done about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Good:
    """Something that is sold: its name, model, category and materials, and how much of it comes back."""

    name: str
    model: str
    category: str
    materials: tuple[str, ...] = ()
    weight_mg: int = 0

    def details(self, brand: str, origin: str) -> dict[str, Any]:
        """The details of its registration."""
        told = {"name": self.name, "category": self.category, "brand": brand, "model": self.model, "origin": origin}
        return told if not self.materials else told | {"materials": list(self.materials)}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by its code: what is found, what work and part put it right, and whose it is."""

    code: str
    findings: str
    work: str
    part: str
    test: str
    responsible: str


JEWELLERY = (
    Good("Solitaire ring 单钻戒指", "Stella", "jewellery", ("Au750", "diamond"), 3620),
    Good("Chain bracelet 手链", "Rill", "jewellery", ("Au750",), 6410),
    Good("Pearl earrings 珍珠耳环", "Luna", "jewellery", ("Ag925", "pearl"), 4180),
    Good("Signet ring 印章戒指", "Crest", "jewellery", ("Pt950",), 9870),
)
FURNITURE = (
    Good("Dining table, oak", "Long 180", "furniture", ("oak",)),
    Good("Leather sofa, three seats", "Haven 3", "furniture", ("leather", "beech")),
    Good("Wardrobe, ash", "Ash 2", "furniture", ("ash",)),
    Good("Kitchen chair", "Bow", "furniture", ("beech",)),
)
ELECTRONICS = (
    Good("Phone 手机", "Lumen 5", "phone"),
    Good("Laptop 笔记本电脑", "Slate 13", "computer"),
    Good("Headphones 耳机", "Calm 2", "electronics"),
    Good("Rice cooker 电饭煲", "Steam 4", "appliance"),
)
FAULTS = {
    "jeweller": (
        Fault("stone_loose", "one prong is worn", "re-tip prong", "prong wire", "stone tight", "manufacturer"),
        Fault("clasp", "the clasp's spring is tired", "replace clasp", "lobster clasp", "clasp holds", "manufacturer"),
        Fault("chain_broken", "a link was pulled open", "solder link", "solder", "pull test", "holder"),
        Fault("plating", "plating worn to the base", "plate anew", "rhodium bath", "thickness", "none"),
        Fault("ring_size", "too wide by two sizes", "resize", "gold wire", "roundness", "none"),
    ),
    "furniture": (
        Fault("loose_joint", "a dowel joint has opened", "glue and clamp joint", "dowels", "wobble", "manufacturer"),
        Fault("surface", "a heat mark in the lacquer", "sand and oil", "hard oil", "even gloss", "holder"),
        Fault("fitting", "a hinge is bent", "replace hinge", "hinge 35 mm", "door closes", "manufacturer"),
        Fault("upholstery", "a seam has opened", "sew seam", "thread", "seam holds", "manufacturer"),
        Fault("crack", "a drying crack in the top", "inlay butterfly keys", "walnut keys", "crack rests", "carrier"),
    ),
    "workshop": (
        Fault("no_power", "the charging socket is loose", "replace socket", "USB-C socket", "charges", "manufacturer"),
        Fault("display", "the screen is cracked", "replace display", "display assembly", "touch", "holder"),
        Fault("battery", "the battery holds half", "replace battery", "battery", "capacity", "manufacturer"),
        Fault("noise", "the fan scrapes", "replace fan", "fan 40 mm", "noise", "manufacturer"),
        Fault("broken_part", "a hinge cover broke off", "replace cover", "hinge cover", "fit", "retailer"),
    ),
}
