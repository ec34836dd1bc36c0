"""How often somebody may be wrong: failed logins, PINs, and addresses that lead nowhere, counted for a while.

Each process counts for itself, in memory that is bounded: with N workers a stranger has up to N times as many tries,
and none is remembered over a restart. What has too few possible values for that (PINs) is counted in the database as
well (``ledger.db.people``). A client's address is the one that the connection came from; only a proxy that the operator
named may say another (``X-Forwarded-For``). Of an IPv6 address the network counts, as a customer is given one of 2^64.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from api.problems import Problem
from ledger import times
from ledger.errors import Invalid

Networks = tuple[IPv4Network | IPv6Network, ...]

MOST = 10_000
"""Keys that are remembered; the one that was wrong longest ago is forgotten first."""
WINDOW = 15 * times.MINUTE
LOGINS_OF_ACCOUNT = 10
LOGINS_OF_ADDRESS = 30
PINS_OF_TABLET = 30
LOST_TOKENS = 60
"""Wrong view codes of one address: a shop's guests share one, and some mistype."""


class Limit:
    """How often each key may be wrong within ``WINDOW`` of the first time."""

    def __init__(self, most: int, clock: Callable[[], int]) -> None:
        self._most, self._clock = most, clock
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._mutex = threading.Lock()

    def check(self, *keys: str) -> None:
        """Raise ``Problem`` 429 if one of these was wrong too often."""
        waits = [self._wait(key) for key in keys]
        if any(waits):
            headers = {"Retry-After": str(max(waits))}
            raise Problem("too_many", "got too many wrong tries, want you to wait", headers=headers)

    def count(self, key: str) -> None:
        """This key was wrong, or is about to be: what is counted first cannot be overtaken by many at once."""
        now = self._clock()
        with self._mutex:
            start, count = self._counts.pop(key, (now, 0))
            if not 0 <= now - start < WINDOW:
                start, count = now, 0
            while len(self._counts) >= MOST:
                self._counts.popitem(last=False)
            self._counts[key] = start, count + 1

    def forgive(self, key: str, *, all_of_it: bool = False) -> None:
        """This key was right after all: take back one, or everything that was counted."""
        with self._mutex:
            start, count = self._counts.pop(key, (0, 0))
            if count > 1 and not all_of_it:
                self._counts[key] = start, count - 1

    def _wait(self, key: str) -> int:
        """Seconds until this key may try again; 0 if it may now."""
        start, count = self._counts.get(key, (0, 0))
        left = start + WINDOW - self._clock()
        return -(-left // times.SECOND) if count >= self._most and 0 < left <= WINDOW else 0

    def __len__(self) -> int:
        return len(self._counts)


class Limits:
    """The counters of one process."""

    def __init__(self, clock: Callable[[], int], trusted: Networks) -> None:
        self._trusted = trusted
        self.accounts = Limit(LOGINS_OF_ACCOUNT, clock)
        self.addresses = Limit(LOGINS_OF_ADDRESS, clock)
        self.tablets = Limit(PINS_OF_TABLET, clock)
        self.tokens = Limit(LOST_TOKENS, clock)

    def address_of(self, scope: Scope) -> str:
        """What counts as one client: an IPv4 address or an IPv6 network of 64 bits."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if self._trusted and _is_in(address, self._trusted):
            address = _forwarded(scope, self._trusted) or address
        return _network_of(address)


def parse_networks(text: str, name: str = "PATINA_TRUSTED_PROXIES") -> Networks:
    """The addresses and networks in a list with commas, the setting ``name``; raises ``Invalid``."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise Invalid(f"got {name} {text[:200]!r}, want addresses or networks and commas") from None


def _forwarded(scope: Scope, trusted: Networks) -> str | None:
    """The last address that the trusted proxies did not add themselves: whatever stands before it may be invented."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for part in reversed(",".join(values).split(",")):
        address = part.strip()
        if not _is_in(address, trusted):
            return address if _is_address(address) else None
    return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(text: str, networks: Networks) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in networks)


@lru_cache(maxsize=4096)
def _network_of(text: str) -> str:
    if not _is_address(text):
        return text
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address) >> 64 << 64, 64)))
