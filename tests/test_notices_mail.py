"""Mail through a real SMTP server in this process (aiosmtpd): what it gets, and what it may refuse."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from api.notices import mail
from api.notices.mail import Undelivered, hand_in
from api.smtp import Mail, is_address, read_mail
from ledger.errors import Invalid
from tests.shop import open_shop
from tests.telling import notices, opened, step, tell
from tests.test_egress import certificate

SENDER = "care@shop.example"


class Box:
    """What a server got; ``answers`` are what it says of the next recipients and messages."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        return self.answers.get("DATA", "250 OK")

    @property
    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(one.original_content or b"", policy=policy.default) for one in self.got]


class Listening(Controller):
    """A server at whatever port is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


Serve = Callable[..., Mail]


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def serve(box: Box) -> Iterator[Serve]:
    running: list[Controller] = []

    def start(**more: Any) -> Mail:
        controller = Listening(box, hostname="127.0.0.1", port=0, **more)
        controller.start()
        running.append(controller)
        return Mail("127.0.0.1", controller.port, SENDER)

    yield start
    for controller in running:
        controller.stop()


def message(to: str = "ada@example.org") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = SENDER, to, "hello"
    made.set_content("hello")
    return made


def test_a_case_is_told_by_mail_from_end_to_end(tmp_path: Path, serve: Serve, box: Box) -> None:
    with open_shop(tmp_path, mail=serve()) as shop:
        jeweller = shop.party("Juwelier Ägidius", "retailer", "repairer")
        opened(shop, jeweller, {"email": "Ada@Example.org", "language": "zh-CN"})
        shop.clock.pass_hours(2)
        visit = {"from": "2026-05-06T10:00:00+08:00", "until": "2026-05-06T12:00:00+08:00"}
        step(shop, jeweller, "case.scheduled", **visit)
        tell(shop, hand_in=hand_in)
        assert [one.rcpt_tos for one in box.got] == [["Ada@example.org"], ["Ada@example.org"]]
        assert {one.mail_from for one in box.got} == {SENDER}
        first, second = box.messages
        assert second["Subject"] == "Juwelier Ägidius：预约时间 2026年5月6日 10:00"
        assert second["From"].addresses[0].display_name == "Juwelier Ägidius"
        assert first["Message-ID"] != second["Message-ID"]
        text = second.get_body(("plain",))
        page = second.get_body(("html",))
        assert text is not None
        assert page is not None
        assert "Juwelier Ägidius已为Ring安排预约：2026年5月6日 10:00 至 2026年5月6日 12:00。" in text.get_content()
        assert "src=" not in page.get_content(), "nothing is fetched"
        assert {str(one["Message-ID"]) for one in box.messages} == {
            f"<msg_{one.id.hex()}@shop.example>" for one in notices(shop)
        }
        stop = second["List-Unsubscribe"].strip(" <>").removeprefix("http://shop.example:8000")
        assert shop.client.post(stop).is_success


@pytest.mark.parametrize(
    ("what", "answer", "for_good"),
    [
        ("RCPT", "550 no such user", True), ("RCPT", "450 later", False),
        ("DATA", "554 spam", True), ("DATA", "451 later", False),
    ],
)  # fmt: skip
def test_what_the_server_refuses_is_told_apart(serve: Serve, box: Box, what: str, answer: str, for_good: bool) -> None:
    box.answers[what] = answer
    with pytest.raises(Undelivered) as raised:
        hand_in(serve(), message())
    assert (str(raised.value), raised.value.for_good) == (f"SMTP {answer[:3]}", for_good)


def test_a_server_that_is_not_there_may_be_there_later() -> None:
    with pytest.raises(Undelivered) as raised:
        hand_in(Mail("127.0.0.1", 1, SENDER), message())
    assert not raised.value.for_good


def test_an_address_that_no_server_takes_is_given_up(serve: Serve) -> None:
    with pytest.raises(Undelivered) as raised:
        hand_in(serve(enable_SMTPUTF8=False), message("ädа@example.org"))
    assert raised.value.for_good


def test_a_server_elsewhere_that_does_not_encrypt_is_not_spoken_to(
    serve: Serve, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setattr(mail, "is_loopback", lambda _: False)
    with pytest.raises(Undelivered, match="SMTPNotSupportedError"):
        hand_in(server, message())
    assert box.got == []


@pytest.mark.parametrize("trusted", [True, False])
def test_a_password_goes_over_tls_and_to_the_right_server_alone(
    tmp_path: Path, serve: Serve, box: Box, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    file = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    asked: list[bytes] = []

    def authenticate(_: SMTP, __: Any, ___: Any, ____: str, given: Any) -> AuthResult:
        asked.append(given.password)
        return AuthResult(success=given.password == b"secret", handled=False)

    server = serve(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)
    if trusted:
        trusting = ssl.create_default_context(cafile=str(file))
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    known = Mail("localhost", server.port, SENDER, user="patina", password="secret")
    wrong = Mail("localhost", server.port, SENDER, user="patina", password="wrong")
    if not trusted:
        with pytest.raises(Undelivered, match="SSLCertVerificationError"):
            hand_in(known, message())
        assert asked == []
        return
    hand_in(known, message())
    assert (asked, len(box.got)) == ([b"secret"], 1)
    with pytest.raises(Undelivered, match="SMTP 535") as raised:
        hand_in(wrong, message())
    assert not raised.value.for_good, "the operator may put it right"


def test_the_setting_is_read_strictly() -> None:
    found = read_mail({"PATINA_SMTP_URL": "smtps://a%40b:p%2Fw@mail.example", "PATINA_MAIL_FROM": SENDER})
    assert found == Mail("mail.example", 465, SENDER, tls=True, user="a@b", password="p/w")
    assert "p/w" not in repr(found)
    assert read_mail({}) is None
    for url in ("http://mail.example", "smtp://", "smtp://mail.example/x", "smtp://mail.example:x", "smtp://[::1", "x"):
        with pytest.raises(Invalid, match="PATINA_SMTP_URL out of form"):
            read_mail({"PATINA_SMTP_URL": url, "PATINA_MAIL_FROM": SENDER})
    for sender in ("", "Shop <care@shop.example>", "care", "care@shop.example\n"):
        with pytest.raises(Invalid, match="PATINA_MAIL_FROM"):
            read_mail({"PATINA_SMTP_URL": "smtp://mail.example", "PATINA_MAIL_FROM": sender})


NO_ADDRESS = ["", "@", "a@", "@b", "a b@c", "a@b c", "a@b\n", "a@b,c@d", "<a@b>", "ä@b.c", "a@b@c", "a@b..c"]


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)
