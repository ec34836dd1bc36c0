"""Where webhooks may go: nowhere inside, whatever a name says the second time, and not for long."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.notices import egress
from api.notices.egress import NotAllowed, Unreachable, check_url, judge, post
from ledger.errors import Invalid
from tests.telling import LOOPBACK

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2002:a00:1::", "::127.0.0.1", "2001:0:c000:22d:0:0:f5ff:fffe",
]  # fmt: skip
"""Addresses of IANA's special-purpose registries (RFC 6890 and its successors), and IPv6 ones that wrap them."""
OUTSIDE = [
    *("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1"),
    *("2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_goes_inside(address: str) -> None:
    with pytest.raises(NotAllowed, match="not public"):
        judge(ip_address(address), "https", ())
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Invalid, match="not public"):
        check_url(f"https://{host}/in", ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_public_may_be_called(address: str) -> None:
    judge(ip_address(address), "https", ())
    with pytest.raises(NotAllowed, match="plain http"):
        judge(ip_address(address), "http", LOOPBACK)


def test_the_operator_may_allow_networks_and_http_there_alone() -> None:
    judge(ip_address("127.0.0.1"), "http", LOOPBACK)
    judge(ip_address("::ffff:127.0.0.1"), "https", LOOPBACK)
    with pytest.raises(NotAllowed):
        judge(ip_address("10.0.0.1"), "https", LOOPBACK)
    assert check_url("http://127.0.0.1:81/in", LOOPBACK) == "http://127.0.0.1:81/in"


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "https://", "https:///in", "http://example.org/in", "ftp://example.org", "file:///etc/passwd",
        "https://ada:secret@example.org/", "https://example.org/#x", "https://example.org:0/", "https://example.org:99999/",
        "https://exa mple.org/", "https://example.org/\r\nHost: x", "https://[::1",
        "gopher://example.org/", "https://example.org/" + "a" * 2000,
    ],
)  # fmt: skip
def test_an_address_out_of_form_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_url(url, ())
    assert raised.value.pointer == "/url"


@pytest.mark.parametrize("host", ["0x7f000001", "127.1", "2130706433", "localhost"])
def test_what_only_a_resolver_reads_as_an_address_is_judged_when_it_is_called(host: str) -> None:
    url = check_url(f"https://{host}/", ())
    with pytest.raises((NotAllowed, Unreachable)):
        asyncio.run(post(url, b"{}", {}, ()))


def resolver(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Gives one answer after the other."""
    left = list(answers)

    async def resolve(_: str, __: int) -> Sequence[str]:
        return left.pop(0)

    return resolve


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["fe80::1%eth0"], ["::ffff:127.0.0.1"]])
def test_a_name_that_leads_inside_is_not_called(answer: list[str]) -> None:
    with pytest.raises(NotAllowed):
        asyncio.run(post("https://shop.example/in", b"{}", {}, (), resolver(answer)))


@pytest.mark.parametrize("answer", [[], ["no address"]])
def test_a_name_without_an_address_is_not_reached(answer: list[str]) -> None:
    with pytest.raises(Unreachable, match="without an address"):
        asyncio.run(post("https://shop.example/in", b"{}", {}, (), resolver(answer)))


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on this machine that answers as it is told, until the block ends: its port."""
    answering: set[asyncio.Task[None]] = set()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.add(task)
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(answered, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)


def saying(raw: bytes, heard: list[bytes]) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
        heard.append(head + await reader.readexactly(length))
        writer.write(raw)
        await writer.drain()

    return answer


async def call(answer: Answer, *, host: str = "shop.example", names: Sequence[Sequence[str]] = (["127.0.0.1"],)) -> int:
    async with receiver(answer) as port:
        return await post(f"http://{host}:{port}/in?a=b", b'{"x":1}', {"webhook-id": "m"}, LOOPBACK, resolver(*names))


def test_a_call_goes_to_the_address_that_was_judged_and_names_the_host() -> None:
    heard: list[bytes] = []
    answer = saying(b"HTTP/1.1 204 No Content\r\n\r\n", heard)
    # A second question would be answered from inside another network: it is not asked.
    assert asyncio.run(call(answer, names=(["127.0.0.1"], ["10.0.0.1"]))) == 204
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().splitlines()
    assert lines[0] == "post /in?a=b http/1.1"
    assert any(line.startswith("host: shop.example:") for line in lines)
    assert "webhook-id: m" in lines
    assert body == b'{"x":1}'


def test_a_redirect_is_not_followed() -> None:
    heard: list[bytes] = []
    moved = b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    assert asyncio.run(call(saying(moved, heard))) == 307
    assert len(heard) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert asyncio.run(call(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", []))) == 200


def test_a_large_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    assert asyncio.run(call(flood)) == 200
    assert sent < 50_000_000


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("drip", [b"", OK + b"X: y\r\n", OK + b"Content-Length: 9999\r\n\r\n"])
def test_one_deadline_holds_for_everything(monkeypatch: pytest.MonkeyPatch, drip: bytes) -> None:
    monkeypatch.setattr(egress, "DEADLINE", 0.3)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(drip)
        while not writer.is_closing():
            writer.write(b"x")  # never silent for long, and never ready
            await asyncio.sleep(0.05)

    with pytest.raises(Unreachable):
        asyncio.run(call(slow))


@pytest.mark.parametrize("raw", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", OK + b"X: \x00\r\n\r\n"])
def test_rubbish_is_no_answer(raw: bytes) -> None:
    with pytest.raises(Unreachable):
        asyncio.run(call(saying(raw, [])))


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="ConnectError"):
        asyncio.run(post("http://shop.example:1/in", b"{}", {}, LOOPBACK, resolver(["127.0.0.1"])))


def certificate(directory: Path, name: str) -> Path:
    """A certificate for a name that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / "cert.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("host", "trusted", "reached"),
    [("shop.example", True, True), ("other.example", True, False), ("shop.example", False, False)],
)
def test_the_certificate_is_asked_of_the_name_and_not_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, reached: bool
) -> None:
    file = certificate(tmp_path, "shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if trusted:
        trusting = ssl.create_default_context(cafile=str(file))
        monkeypatch.setattr(httpx2, "AsyncClient", partial(httpx2.AsyncClient, verify=trusting))
    heard: list[bytes] = []

    async def go() -> int:
        async with receiver(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", heard), context) as port:
            return await post(f"https://{host}:{port}/in", b"{}", {}, LOOPBACK, resolver(["127.0.0.1"]))

    if reached:
        assert asyncio.run(go()) == 200
    else:
        with pytest.raises(Unreachable):
            asyncio.run(go())
    assert bool(heard) == reached
