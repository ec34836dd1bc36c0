"""What a later version said, and what a reader of this one can therefore not disprove (format.md §9).

A statement of an unknown type, or one that names a key of an unknown type, stands in the log but changes no state that
this program keeps. What a rule then refuses may only seem wrong, so it is "could not tell". A new type changes nothing
about who may speak; one that is known, but could not be folded in, may have changed that too.
"""

from __future__ import annotations

from ledger import didkey, uri
from ledger.errors import Forbidden, Invalid, PatinaError, Unknown
from ledger.leaf import Entry, Statement
from ledger.types import TYPES

_OF_KEYS = ("/signatures", "/grant", "/party")


class Untold:
    """The subjects of such statements."""

    def __init__(self) -> None:
        self._states: set[str] = set()
        self._keys: set[str] = set()

    def add(self, statement: Statement) -> None:
        """Note a statement that could not be folded in."""
        self._states.update(statement.subjects)
        if statement.type in TYPES:
            self._keys.update(statement.subjects)

    def excuses(self, entry: Entry, error: PatinaError) -> bool:
        """Whether what a rule refused of an entry rests on something that could not be told.

        ``Invalid`` is said of the entry alone, and never rests on anything else.
        """
        statement = entry.statement
        if isinstance(error, Invalid):
            return False
        if isinstance(error, Forbidden) and error.pointer.startswith(_OF_KEYS):
            if any(map(is_strange_key, _refused_keys(entry, error.pointer))):
                return True
            if statement.grant is not None:
                return not self._keys.isdisjoint(statement.subjects)
            # Whose key signs for a party rests on that party alone, whatever was said of the item.
            about = () if error.pointer.startswith("/signatures") else statement.subjects
            return not self._keys.isdisjoint({uri.authority_of(statement.party), *about})
        return not self._states.isdisjoint(statement.subjects)


def _refused_keys(entry: Entry, pointer: str) -> list[str]:
    """The key of the signature that is pointed at, else those of all: a new key beside it excuses no stranger's."""
    keys = [signature.key for signature in entry.signatures]
    place = pointer.removeprefix("/signatures/").removesuffix("/key")
    return [keys[int(place)]] if place.isdecimal() else keys


def is_strange_key(did: str) -> bool:
    """Whether this is a key of a type that this version does not know."""
    try:
        didkey.parse_did(did)
    except Unknown:
        return True
    except PatinaError:
        return False
    return False
