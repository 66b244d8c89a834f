"""Which servers a cluster has, as its table `server_status` says.

The pool of each loop follows the changes of that table with `changes(include_initial=True,
include_states=True)`, and passes each row to `told`. A row names the driver port of a server, and
the addresses under which the other servers reach it.

A client may use another name for the server, or may not reach any of these addresses. So the pool
tries an address before it relies on it, and keeps the given hosts as a fallback. See
`Hosts.follow`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlPermissionError

from .backoff import Backoff
from .hosts import Address

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

__all__ = ["Discovery"]

# If the table cannot be read: the longest pause before the second attempt, and before any attempt.
_FIRST, _LONGEST = 1.0, 60.0


class Discovery:
    """The known servers of the cluster, and when to ask for them.

    Args:
        given: the hosts that the pool was given.
        wanted: whether the pool has the option `discover`.
        backoff: the pauses between attempts to read the table.
    """

    def __init__(self, given: Sequence[Address], wanted: bool, backoff: Backoff) -> None:
        self._given = list(given)
        self._local = wanted and all(_is_local(host) for host, _ in given)
        self._backoff = backoff
        self._servers: dict[str, Address] = {}
        self._new: dict[str, Address] = {}
        self._collecting = False
        self._failures = 0
        self.at = -math.inf if wanted else math.inf
        """The time at which to start following the table."""

    @classmethod
    def of(cls, given: Sequence[Address], wanted: bool, random: Any) -> Discovery:
        """A `Discovery` that knows nothing yet. `random` is as in `Backoff`."""
        return cls(given, wanted, Backoff(random, _FIRST, _LONGEST))

    def begun(self) -> None:
        """The pool starts to follow the table."""
        self.at = math.inf
        self._new, self._collecting = {}, True

    def told(self, change: Mapping[str, Any]) -> list[Address] | None:
        """Take in a row of the table's changefeed: a change or an initial row.

        Returns:
            The addresses of all servers; None until all initial rows have arrived.
        """
        if change.get("state") == "ready":
            self._servers, self._collecting, self._failures = self._new, False, 0
        servers = self._new if self._collecting else self._servers
        for row in filter(None, (change.get("old_val"), change.get("new_val"))):
            servers.pop(row["id"], None)
        address = self._address_in(change.get("new_val") or {})
        if address is not None:
            servers[change["new_val"]["id"]] = address
        return None if self._collecting else list(dict.fromkeys(servers.values()))

    def ended(self, error: BaseException | None, now: float) -> bool:
        """The table's changefeed has ended or could not be opened.

        Returns:
            Whether that is final, because the user has no permission to read the table.
        """
        if isinstance(error, ReqlPermissionError):
            return True
        self._failures += 1
        self.at = now + self._backoff.pause(self._failures)
        return False

    def _address_in(self, row: Mapping[str, Any]) -> Address | None:
        """The address of a server; None if the row has none that this client could reach."""
        network = row.get("network") or {}
        port = network.get("reql_port")
        if not isinstance(port, int):
            return None
        hosts = list(_hosts_in(network))
        for host, given_port in self._given:
            if given_port == port and (host in hosts or self._is_same(host, hosts)):
                return host, given_port
        # A loopback address is that of the server's machine. Use it only if that is this machine.
        hosts = [host for host in hosts if _is_local(host) is self._local]
        return (hosts[0], port) if hosts else None

    def _is_same(self, host: str, hosts: list[str]) -> bool:
        """Whether `host` and one of `hosts` are both names of this machine."""
        return self._local and _is_local(host) and any(map(_is_local, hosts))


def _hosts_in(network: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of a server, IPv4 first, without link-local ones (valid on one link)."""
    addresses = [each["host"] for each in network.get("canonical_addresses") or ()]
    yield from sorted(filter(_is_global, addresses), key=lambda host: ":" in host)


def _is_local(host: str) -> bool:
    address = _parsed(host)
    return host == "localhost" if address is None else bool(address.is_loopback)


def _is_global(host: str) -> bool:
    address = _parsed(host)
    return address is None or not address.is_link_local


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address; None if it is a name."""
    from ipaddress import ip_address  # imported here, since few pools need it

    try:
        return ip_address(host)
    except ValueError:
        return None
