"""Times as statements and leaves spell them (format.md §2 and §4), as microseconds since 1970 in UTC.

``occurred_at`` is what an author wrote, with an offset; ``recorded_at`` is the appender's, always in UTC and
of one width, so that its strings sort as its times do and need parsing only where something is subtracted.
Days that do not exist, leap seconds and every other spelling of ISO 8601 are refused.

>>> parse_occurred("2026-11-09T10:00:00.5+08:00") - parse_recorded("2026-11-09T02:00:00.000Z")
500000
>>> format_recorded(1_795_824_000_123_999)
'2026-11-28T00:00:00.123Z'
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ledger.errors import Invalid, Malformed

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Form and rules ask for the same time one after the other, and a batch is recorded at one time. More than a few hundred
# do not stay in the fast memory of a processor, and finding one there takes longer than reading it again.
_CACHED_TIMES = 256

_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_RECORDED = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_CLOCK}\.[0-9]{{3}}Z")
# Years 1000 to 9998, so that the same moment has four digits in every offset.
_OCCURRED = re.compile(
    rf"(?!0|9999)[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_CLOCK}(?:\.[0-9]{{1,6}})?"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)


@lru_cache(maxsize=_CACHED_TIMES)
def parse_occurred(text: str) -> int:
    """Return the microseconds of an author's time, in any offset; raises ``Malformed`` unless as in §2."""
    return _parse(_OCCURRED, text, "YYYY-MM-DDTHH:MM:SS[.f] and Z or ±HH:MM, a real date of years 1000-9998")


@lru_cache(maxsize=_CACHED_TIMES)
def parse_recorded(text: str) -> int:
    """Return the microseconds of an appender's time; raises ``Malformed`` unless it is as in §4."""
    return _parse(_RECORDED, text, "YYYY-MM-DDTHH:MM:SS.mmmZ, a real time")


def format_recorded(microseconds: int) -> str:
    """Return the time as ``recorded_at`` spells it, cut to milliseconds.

    Raises ``Invalid`` for a time outside the years 1 to 9999.
    """
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Invalid(f"got {microseconds} microseconds, want a time of the years 1 to 9999") from None
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def _parse(form: re.Pattern[str], text: str, want: str) -> int:
    if form.fullmatch(text):
        try:
            # fromisoformat alone takes many more spellings; after the pattern only the day can be wrong.
            since = datetime.fromisoformat(text) - _EPOCH
            return (since.days * _DAY_SECONDS + since.seconds) * SECOND + since.microseconds
        except ValueError:
            pass
    raise Malformed(f"got time {text[:40]!r}, want {want}")
