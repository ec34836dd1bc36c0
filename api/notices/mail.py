"""Handing mail in to the operator's server, by the standard library; blocks, so it is called in a thread.

Raises ``Undelivered``: for good where the server says so of this message or this address (5xx), else for now.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Final

from api.provider import is_loopback
from api.smtp import Mail

TIMEOUT: Final = 10.0
"""Seconds that the server may be silent, a dozen times in all: less than half of the outbox's lease."""
_PERMANENT: Final = 500


class Undelivered(Exception):
    """The server did not take a message; ``for_good`` says that it never will. Says no address."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


def hand_in(mail: Mail, message: EmailMessage) -> None:
    """Give a message to the server; when this returns, the server has it."""
    try:
        server = _connected(mail)
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(_said(error)) from None
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        raise Undelivered(f"SMTP {code}", for_good=code >= _PERMANENT) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(_said(error), for_good=error.smtp_code >= _PERMANENT) from None
    except smtplib.SMTPNotSupportedError:
        raise Undelivered("the server does not take this address", for_good=True) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(_said(error)) from None
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()  # it has the message, whatever it says now


def _connected(mail: Mail) -> smtplib.SMTP:
    """A session with the server, encrypted unless the server is this machine and does without."""
    context = ssl.create_default_context()
    if mail.tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT)
    try:
        if not mail.tls:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=context)
            elif not is_loopback(mail.host):
                raise smtplib.SMTPNotSupportedError("no STARTTLS")
        if mail.user:
            server.login(mail.user, mail.password)
    except BaseException:
        server.close()
        raise
    return server


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code}"
    return type(error).__name__
