"""The errors of Patina: one tree, and a subclass only where a caller branches on it.

    PatinaError
    ├── Malformed            bytes or text that do not parse (HTTP 400)
    ├── Invalid              parsed, but breaks a rule of form (HTTP 422)
    ├── Refused              in conflict with what the ledger holds (HTTP 409)
    │   └── Forbidden        this key or party may not say this (HTTP 403)
    ├── Disproved            a check of format.md §7 failed (exit 1)
    ├── Unknown              could not tell: needs knowledge this version lacks (exit 2)
    └── Unavailable          the service may not sign or cannot reach its database (HTTP 503)

Messages are lower case, say what was got and what was wanted, and hold no secrets and no personal data. A
broken invariant of the program is an ``AssertionError`` and not one of these.
"""

from __future__ import annotations


class PatinaError(Exception):
    """Anything that Patina refuses; ``pointer`` is the JSON pointer of the place, ``""`` for the whole."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer


class Malformed(PatinaError):
    """Bytes or text that do not parse as what they should be."""


class Invalid(PatinaError):
    """Well-formed, but a member is missing, unknown or has a value that the format does not allow.

    ``also`` is what else is wrong in the same document, where it was looked through to its end.
    """

    def __init__(self, message: str, pointer: str = "", also: tuple[Invalid, ...] = ()) -> None:
        super().__init__(message, pointer)
        self.also = also


class Refused(PatinaError):
    """In conflict with the state of the ledger; ``may_follow`` names what would be accepted instead."""

    def __init__(self, message: str, pointer: str = "", may_follow: tuple[str, ...] = ()) -> None:
        super().__init__(message, pointer)
        self.may_follow = may_follow


class Forbidden(Refused):
    """This key or party may not say this."""


class Disproved(PatinaError):
    """A numbered check of a history or audit failed: ``check`` is its number or name, ``index`` the leaf's."""

    def __init__(self, message: str, check: int | str, index: int | None = None) -> None:
        super().__init__(message)
        self.check = check
        self.index = index

    def __reduce__(self) -> tuple[type[Disproved], tuple[str, int | str, int | None]]:
        """How it comes from another process."""
        return Disproved, (self.message, self.check, self.index)


class Unknown(PatinaError):
    """Could not tell: a version, key type, statement type or member that this program does not know."""


class Unavailable(PatinaError):
    """The service refuses to sign, or cannot reach what it needs; the message says why."""
