r"""Log lines that nobody outside can write: what came from a request is escaped before it reaches a terminal or a file.

A record is one line, and the lines of a traceback begin with a bar, so that text that somebody sent us neither starts
a line of its own nor moves a terminal's cursor:

>>> sent = {"levelname": "ERROR", "name": "patina.api", "msg": "got %s", "args": ("a" + chr(10) + "ERROR b",)}
>>> print(PlainFormatter().format(logging.makeLogRecord(sent)))
ERROR patina.api: got a\x0aERROR b
"""

from __future__ import annotations

import logging
import re
from typing import Any

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class PlainFormatter(logging.Formatter):
    """Level, logger and message; control characters as their codes."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, and a traceback's lines after a bar each."""
        record.message = record.getMessage()
        lines = [escape(self.formatMessage(record))]
        if record.exc_info:
            lines += [f"| {escape(line)}" for line in self.formatException(record.exc_info).split("\n")]
        return "\n".join(lines)


def escape(text: str) -> str:
    """``text`` with each control character and line separator as its code."""
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}" if ord(sign[0]) < 256 else f"\\u{ord(sign[0]):04x}", text)


def log_config() -> dict[str, Any]:
    """What ``logging.config`` is told: every logger, uvicorn's too, to standard error by ``PlainFormatter``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"()": PlainFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }
