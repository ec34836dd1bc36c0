"""How often somebody may do something: be wrong at a login, a PIN or an address, or look for a number.

What is counted is shared by all processes of this machine and kept over a restart (``api.counts``). What has too few
possible values for that (PINs) is counted in the database as well (``ledger.db.people``). A client's address is the one
that the connection came from; only a proxy that the operator named may say another (``X-Forwarded-For``). Of an IPv6
address the network counts, as a customer is given one of 2^64.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from api.counts import Counts
from api.problems import Problem
from ledger import times
from ledger.errors import Invalid

Networks = tuple[IPv4Network | IPv6Network, ...]

LOGINS_OF_ACCOUNT = 10
LOGINS_OF_ADDRESS = 30
PINS_OF_TABLET = 30
LOST_TOKENS = 60
"""Wrong codes of one address: a shop's guests share one, and some mistype."""
FINDS = 120
"""How often an API key may look for a number: a busy counter does not, and whoever tries numbers out wants to."""
UPLOADS = 20
"""Files that the holder of a thing may upload: each is washed in a process of its own."""
MESSAGES_OF_ADDRESS = 10
"""Messages to parties, of one address: a shop's guests share one."""
MESSAGES_TO_PARTY = 60
"""Messages to one party: each is an entry for ever, and nobody's key stands for it."""


class Limit:
    """``most`` times for each key within ``WINDOW`` of the first time; ``name`` parts it from other limits."""

    def __init__(self, name: str, most: int, counts: Counts) -> None:
        self._name, self.most, self._counts = name, most, counts

    def check(self, *keys: str) -> None:
        """Raise ``Problem`` 429 if one of these was counted too often."""
        waits = [left for count, left in (self._counts.get(self._name, key) for key in keys) if count >= self.most]
        if waits:
            raise _too_many("got too many wrong tries, want you to wait", max(waits))

    def count(self, key: str) -> None:
        """This key was wrong, or is about to be: what is counted first cannot be overtaken by many at once."""
        self._counts.add(self._name, key)

    def forgive(self, key: str, *, all_of_it: bool = False) -> None:
        """This key was right after all: take back one, or everything that was counted."""
        self._counts.take_back(self._name, key, all_of_it=all_of_it)

    def take(self, key: str) -> None:
        """Count once; raises ``Problem`` 429 for one too many, which is counted as well."""
        before, left = self._counts.add(self._name, key)
        if before >= self.most:
            raise _too_many("got too many requests of this kind", left)


class Limits:
    """The limits of a service, over the counters of its machine."""

    def __init__(self, counts: Counts, trusted: Networks) -> None:
        self._trusted = trusted
        self.accounts = Limit("accounts", LOGINS_OF_ACCOUNT, counts)
        self.addresses = Limit("addresses", LOGINS_OF_ADDRESS, counts)
        self.tablets = Limit("tablets", PINS_OF_TABLET, counts)
        self.tokens = Limit("tokens", LOST_TOKENS, counts)
        self.finds = Limit("finds", FINDS, counts)
        self.uploads = Limit("uploads", UPLOADS, counts)
        self.writers = Limit("writers", MESSAGES_OF_ADDRESS, counts)
        self.written = Limit("written", MESSAGES_TO_PARTY, counts)

    def address_of(self, scope: Scope) -> str:
        """What counts as one client: an IPv4 address or an IPv6 network of 64 bits."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if self._trusted and _is_in(address, self._trusted):
            address = _forwarded(scope, self._trusted) or address
        return _network_of(address)


def _too_many(message: str, left: int) -> Problem:
    return Problem("too_many", message, headers={"Retry-After": str(-(-left // times.SECOND))})


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
