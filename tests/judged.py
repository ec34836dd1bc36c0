"""What is given to the verifier and what it says, as JSON: the check in the browser is given the same, and compared."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from ledger import history, trust
from ledger.errors import Disproved, Malformed, Unknown
from ledger.note import VKey

T = TypeVar("T")
Case = dict[str, Any]
"""``kind`` (``history`` or ``receipt``), ``document``, its text, ``asked``, empty if it did not parse, ``verdict``."""


Judged: TypeAlias = tuple[T | None, Exception | None, Case]
"""What was given, or the error that was raised, and the verdict that this is."""


def judged(check: Callable[[], T], say: Callable[[Any], dict[str, Any]]) -> Judged[T]:
    """What a check gives or raises, and its verdict."""
    try:
        found = check()
    except Disproved as error:
        return None, error, {"check": error.check, "index": error.index}
    except Unknown as error:
        return None, error, {"unknown": True}
    except Malformed as error:
        return None, error, {"malformed": True}
    return found, None, say(found)


def asked_of(asked: history.Asked) -> dict[str, Any]:
    """What is given to the check of a history."""
    kept = asked.kept and {
        "size": str(asked.kept.size),
        "root": asked.kept.root.hex(),
        "count": asked.kept.count,
        "receipts": [[digest.hex(), index] for digest, index in asked.kept.receipts.items()],
    }
    return {
        "subject": asked.subject,
        "vkeys": texts_of(asked.vkeys),
        "now": str(asked.now),
        "secret": asked.owner_secret and asked.owner_secret.hex(),
        "policy": asked.policy and trust.format_policy(asked.policy).decode(),
        "kept": kept,
        "consistency": None if asked.consistency is None else [one.hex() for one in asked.consistency],
        "files": [[digest, b64encode(content).decode()] for digest, content in asked.files.items()],
    }


def texts_of(vkeys: Sequence[VKey]) -> list[str]:
    """The vkeys as they are written."""
    return [str(vkey) for vkey in vkeys]


def said_of(found: history.VerifiedHistory) -> dict[str, Any]:
    """The facts of a proven history that both programs must tell."""
    return {
        "proved": len(found.entries),
        "as_of": found.as_of,
        "stale": found.stale,
        "witnessed_at": found.witnessed_at and str(found.witnessed_at),
        "hashes": [digest.hex() for digest in found.leaf_hashes],
        "doubtful": sorted(found.doubtful),
        "untold": len(found.unknown),
        "disclosed": {name: dict(members) for name, members in found.disclosed.items()},
        "vkeys": list(found.replay.parties.vkeys_in_force()),
    }
