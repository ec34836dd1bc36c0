"""Records of the Open Repair Data Standard 0.3 (Open Repair Alliance) as statements: what one row lets us say.

    id,data_provider,country,partner_product_category,product_category,product_category_id,brand,…
    rcwales_3,Repair Cafe Wales,GBR,Electrical ~ Iron,Iron,40,Unknown,"","",Fixed,"",Cardiff Cathays,2017-04-01,…

A ledger keeps for ever what is put in, so a row is turned into no more than it says:

* every record is one thing that somebody brought to a group: `item.registered`, origin `intake`;
* **Fixed**: `repair.completed`. What was done and what was tested is not recorded, so `tests` is empty and the
  only work named is "repair";
* **End of life**: `repair.failed`, with the recorded barrier as its reason, or `not_stated`;
* **Repairable**: `repair.started`: it was attempted and neither finished nor given up;
* **Unknown**: nothing more. That it was taken in is all that is known.

The problem text is a stranger's free text and may name people (format.md §2): it stands in no statement, and becomes
the private member `note` of the registration only if that is asked for. The partner's own category, which often repeats
it, is left out. A brand is kept unless it looks like an address or a number to call. A date without a time
is written as noon UTC, which is on that date wherever these groups meet.

Identifiers are made from the provider's (RFC 9562 appendix B.2, UUIDv8 of SHA-256), so that the same record is the
same item and the same statements in every run, and whatever runs twice is recognised.

>>> name_uuid(DNS, "www.example.com")
'urn:uuid:5c146b14-3c52-8afd-938a-375d0df1fbf6'
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS as DNS
from uuid import UUID, uuid5

from ledger.errors import Invalid, Malformed

COLUMNS = (
    "id",
    "data_provider",
    "country",
    "product_category",
    "brand",
    "repair_status",
    "repair_barrier_if_end_of_life",
    "group_identifier",
    "event_date",
)

MAX_NAME = 95
"""Characters of a group's, provider's or category's name: two of them are a party's name, which may have 200."""
MAX_BRAND = 60
MAX_PROBLEM = 4000

REASONS = {
    "": "not_stated",
    "Spare parts not available": "parts_not_available",
    "Spare parts too expensive": "parts_too_expensive",
    "No way to open product": "cannot_be_opened",
    "Repair information not available": "no_repair_information",
    "Lack of equipment": "no_equipment",
    "Too worn out": "worn_out",
    "Item too worn out": "worn_out",
}
TYPES = {"Fixed": "repair.completed", "End of life": "repair.failed", "Repairable": "repair.started", "Unknown": None}

# ISO 3166-1 alpha-3 to alpha-2, for the countries whose groups publish such data; any other is left out.
COUNTRIES = dict(
    pair.split(":")
    for pair in (
        "ARG:AR AUS:AU AUT:AT BEL:BE BRA:BR CAN:CA CHE:CH CHL:CL CHN:CN CZE:CZ DEU:DE DNK:DK ESP:ES EST:EE FIN:FI "
        "FRA:FR GBR:GB GRC:GR HKG:HK HUN:HU IND:IN IRL:IE ISL:IS ISR:IL ITA:IT JEY:JE JPN:JP KOR:KR LUX:LU MEX:MX "
        "NLD:NL NOR:NO NZL:NZ POL:PL PRT:PT ROU:RO SGP:SG SVK:SK SVN:SI SWE:SE TUN:TN TWN:TW USA:US ZAF:ZA"
    ).split()
)

_SPACE = uuid5(DNS, "openrepair.org")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOT_A_BRAND = re.compile(r"(?i)unknown|x+|n/?a|none|no brand|don.?t know|not known|[-?. ]*")
# An e-mail or web address, or digits enough for a telephone number.
_CONTACT = re.compile(r"\S@\S+\.\S|https?:|www\.|(?:\d[\s().-]*){7}")
# What format.md §1 keeps out of strings (with line ends), and half characters from bytes that are not UTF-8.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Group:
    """Who repaired: a repair group, which becomes a party."""

    id: str
    name: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the item and what was said about it, ids and times made from the row alone; `line` is where it ends."""

    line: int
    id: str
    """The provider's."""
    source: str
    """Provider and id, which is unique in the world."""
    item: str
    group: Group
    category: str
    brand: str | None
    status: str
    barrier: str
    occurred_at: str
    problem: str | None = field(default=None, repr=False)

    def statements(self, ledger: str) -> list[dict[str, Any]]:
        """The statements of this record for the ledger of this hash: one or two, in order."""
        described: dict[str, Any] = {"name": self.category, "category": slug(self.category), "origin": "intake"}
        if self.brand is not None:
            described["brand"] = self.brand
        said = [("item.registered", described)]
        kind = TYPES[self.status]
        if kind is not None:
            work: dict[str, Any] = {"work": ["repair"], "tests": []}
            if kind == "repair.failed":
                work["reason"] = REASONS[self.barrier]
            said.append((kind, work))
        return [
            {
                "id": name_uuid(_SPACE, f"statement {number} of {self.source}"),
                "type": kind,
                "ledger": ledger,
                "subjects": [self.item],
                "party": self.group.id,
                "occurred_at": self.occurred_at,
                "details": details,
            }
            for number, (kind, details) in enumerate(said)
        ]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record was not taken; `line` is the line of the file on which it ends, `id` its own where it has one."""

    line: int
    id: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.id or 'a record'}: {self.why}"


def name_uuid(space: UUID, name: str) -> str:
    """The urn:uuid of a name in a space: UUIDv8 of its SHA-256 (RFC 9562, appendix B.2)."""
    digits = int.from_bytes(sha256(space.bytes + name.encode()).digest()[:16], "big")
    digits &= ~(0xF << 76 | 0x3 << 62)
    return f"urn:uuid:{UUID(int=digits | 8 << 76 | 2 << 62)}"


def slug(category: str) -> str:
    """A category as a word: `Hair & beauty item` is `hair_beauty_item`."""
    return re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


def read(path: Path) -> Iterator[Record | Refusal]:
    """Each record of a file, or why not, in the file's order; each provider's id at most once.

    Raises `Malformed` for a file without the standard's columns. Quoted commas, quotes and line ends, a byte order
    mark and any line end are read as RFC 4180 has them; bytes that are not UTF-8 cost only their own record.
    """
    seen: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.reader(file, strict=True)
        head = _head(rows)
        while True:
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield Refusal(rows.line_num, "", f"got CSV that does not parse: {error}")
                continue
            if row is None:
                return
            if row:
                yield _take(dict(zip(head, row, strict=False)), len(row) - len(head), rows.line_num, seen)


def count(path: Path) -> int:
    """About how many records a file has, for a progress bar: its line ends, less the heading."""
    with path.open("rb") as file:
        return max(0, sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) - 1)


def _head(rows: Iterator[list[str]]) -> list[str]:
    """The names of the columns; raises `Malformed` where one of the standard's is missing or stands twice."""
    try:
        head = next(rows, [])
    except csv.Error as error:
        raise Malformed(f"got a heading that does not parse: {error}") from None
    missing = [name for name in COLUMNS if head.count(name) != 1]
    if missing:
        raise Malformed(f"got a heading without (or twice) {', '.join(missing)}, want those of Open Repair Data 0.3")
    return head


def _take(row: dict[str, str], surplus: int, line: int, seen: dict[str, int]) -> Record | Refusal:
    """One row as a record, or the reason why not."""
    name = row.get("id", "")
    try:
        if surplus:
            raise Invalid(f"got {abs(surplus)} {'more' if surplus > 0 else 'fewer'} columns than the heading has")
        record = _record(row, line)
    except Invalid as error:
        return Refusal(line, name if _ID.fullmatch(name) else "", error.message)
    if record.source in seen:
        return Refusal(line, name, f"got an id that stands on line {seen[record.source]} already")
    seen[record.source] = line
    return record


def _record(row: dict[str, str], line: int) -> Record:
    """One row of the right width as a record; raises `Invalid`."""
    if _ID.fullmatch(row["id"]) is None:
        raise Invalid("got no id, want letters, digits and . _ -")
    status, barrier = row["repair_status"], row["repair_barrier_if_end_of_life"]
    if status not in TYPES:
        raise Invalid(f"got repair_status {status[:40]!r}, want one of {', '.join(TYPES)}")
    if barrier not in REASONS:
        raise Invalid(f"got repair_barrier_if_end_of_life {barrier[:40]!r}, want one of the standard's")
    if barrier and status != "End of life":
        raise Invalid(f"got a barrier with status {status}, want one with End of life only")
    provider, name = _name(row, "data_provider"), _name(row, "group_identifier")
    # A group is often called like its town, which would read as if the town had repaired something.
    called = name if provider in name else f"{name} ({provider})"
    group = Group(name_uuid(_SPACE, f"group {name} of {provider}"), called, COUNTRIES.get(row["country"]))
    category = _name(row, "product_category")
    if not slug(category):
        raise Invalid(f"got product_category {category!r}, want a word")
    return Record(
        line=line,
        id=row["id"],
        source=f"{provider}/{row['id']}",
        item=name_uuid(_SPACE, f"item {provider}/{row['id']}"),
        group=group,
        category=category,
        brand=_brand(row["brand"]),
        status=status,
        barrier=barrier,
        occurred_at=_noon(row["event_date"]),
        problem=_problem(row.get("problem", "")),
    )


def _problem(text: str) -> str | None:
    """The problem text, in lines that a ledger may hold, or None where there is none."""
    lines = (_UNWRITABLE.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:MAX_PROBLEM] or None


def _name(row: dict[str, str], column: str) -> str:
    """A column that must hold a name; raises `Invalid`."""
    text = row[column].strip()
    if not text or len(text) > MAX_NAME or _UNWRITABLE.search(text):
        raise Invalid(f"got {column} of {len(text)} characters, want a name of 1 to {MAX_NAME} in one line")
    return text


def _brand(text: str) -> str | None:
    """The brand, or None where none is known or where the text is something else."""
    brand = " ".join(text.split())
    unfit = len(brand) > MAX_BRAND or _UNWRITABLE.search(brand) or _CONTACT.search(brand)
    return None if unfit or _NOT_A_BRAND.fullmatch(brand) else brand


def _noon(text: str) -> str:
    """Noon UTC of an ISO date; raises `Invalid`."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"got event_date {text[:40]!r}, want a real date YYYY-MM-DD") from None
    return f"{text}T12:00:00Z"
