"""Spans of time as a command line says them: `90d`, `12h`, `30m`."""

from __future__ import annotations

import argparse
import re

from ledger import times

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": times.HOUR // 60, "h": times.HOUR, "d": times.DAY}


def parse_span(text: str) -> int:
    """Microseconds; raises what argparse makes a line of.

    >>> parse_span("36h") == 36 * times.HOUR
    True
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, want a number and m, h or d, such as 90d")
    return int(found[1]) * _UNITS[found[2]]
