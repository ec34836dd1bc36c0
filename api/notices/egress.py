"""Requests to addresses that others gave: only to where anybody on the Internet could send them (against SSRF).

A host's name is resolved once, every address that it has is judged, and the connection is made to an address that was
judged: a name that gives another answer the second time (DNS rebinding) is not asked a second time. TLS still asks for
the name's certificate. What is not public is refused: private, loopback, link-local (cloud metadata too), shared,
multicast and reserved addresses, and IPv6 addresses that wrap such an IPv4 address or tunnel to one.
``PATINA_WEBHOOKS_TO`` names networks that are allowed all the same, and only to these plain http is spoken.

Redirects are not followed, proxies of the environment are not used, and one deadline holds for everything together. Of
an answer the status is read and no more than ``MOST`` bytes.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

import httpx2

from api.limits import Networks
from ledger.errors import Invalid

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text; raises ``OSError``."""

MAX_URL: Final = 2000
DEADLINE: Final = 15.0
"""Seconds for resolving, connecting, sending and the answer, all together."""
MOST: Final = 4096
_PORTS: Final = {"https": 443, "http": 80}
_NAT64: Final = ip_network("64:ff9b::/96")
_UNICAST: Final = ip_network("2000::/3")
"""All of IPv6 that is routed on the Internet."""
_SPECIAL: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
    ).split()
)
"""IANA's special-purpose addresses; what Python's ``is_global`` says of them changed between its versions."""
_HOST: Final = re.compile(rb"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")


class NotAllowed(Exception):
    """An address to which nothing is sent; what was wrong, in words."""


class Unreachable(Exception):
    """No answer: what failed, in a few words."""


def check_url(url: str, allowed: Networks) -> str:
    """``url`` in one spelling; raises ``Invalid`` unless it is https, or http where some networks are allowed.

    A host that is an address is judged here; a name is, each time it is called.
    """
    try:
        parsed = httpx2.URL(url)
        host, port = parsed.host, urlsplit(url).port
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise Invalid("got an address that does not parse", "/url") from None
    if len(url) > MAX_URL or not url.isprintable():
        raise Invalid(f"got an address that is not one line of at most {MAX_URL} characters", "/url")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and allowed):
        raise Invalid("got an address that is not https", "/url")
    if _HOST.fullmatch(parsed.raw_host) is None or parsed.userinfo or parsed.fragment or port == 0:
        raise Invalid("want a host, and neither name and password nor fragment", "/url")
    address = _address(host)
    if address is not None:
        try:
            judge(address, parsed.scheme, allowed)
        except NotAllowed as error:
            raise Invalid(str(error), "/url") from None
    return str(parsed)


def judge(address: Address, scheme: str, allowed: Networks) -> None:
    """Raise ``NotAllowed`` unless something may be sent to this address."""
    meant = _meant(address)
    if any(meant in network for network in allowed):
        return
    if scheme != "https":
        raise NotAllowed("plain http is spoken only to networks that PATINA_WEBHOOKS_TO names")
    if (meant.version == 6 and meant not in _UNICAST) or any(meant in network for network in _SPECIAL):
        raise NotAllowed("this host has an address that is not public; PATINA_WEBHOOKS_TO can allow it")


async def post(
    url: str, body: bytes, headers: Mapping[str, str], allowed: Networks, resolve: Resolve | None = None
) -> int:
    """The status of the answer to a POST; raises ``NotAllowed`` or ``Unreachable``."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await _post(httpx2.URL(url), body, headers, allowed, resolve or resolved)
    except TimeoutError:
        raise Unreachable(f"no answer within {DEADLINE:.0f} seconds") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, UnicodeError) as error:
        raise Unreachable(type(error).__name__) from None


async def _post(url: httpx2.URL, body: bytes, headers: Mapping[str, str], allowed: Networks, resolve: Resolve) -> int:
    found = await resolve(url.host, url.port or _PORTS[url.scheme])
    addresses = [_address(one.partition("%")[0]) for one in found]
    for address in addresses:
        if address is None:
            raise Unreachable("a host without an address")
        # One that is not allowed is enough: which of them is asked is the resolver's whim.
        judge(address, url.scheme, allowed)
    if not addresses:
        raise Unreachable("a host without an address")
    pinned = url.copy_with(host=str(addresses[0]))
    async with (
        httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=DEADLINE) as client,
        client.stream(
            "POST",
            pinned,
            content=body,
            headers={**headers, "Host": url.netloc.decode("ascii"), "Connection": "close"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        ) as answer,
    ):
        read = 0
        async for part in answer.aiter_raw():
            read += len(part)
            if read >= MOST:
                break
        return int(answer.status_code)


async def resolved(host: str, port: int) -> list[str]:
    """What the system's resolver says of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one wraps, mapped or for NAT64; any other is itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
