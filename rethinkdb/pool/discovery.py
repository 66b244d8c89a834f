"""Which servers a cluster has, told from its table `server_status`.

Somebody follows the changes of that table, begun with `changes(include_initial=True,
include_states=True)`, and tells each of them. A row says where a server can be reached: its driver
port, and the addresses by which the servers know each other. A client may know the server by
another name, or reach none of these addresses. So what is found is tried before it is relied on,
and what the pool was given stays as a stand-in; see `Hosts.follow`.
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

# Seconds until the table is looked at again after that has failed, at most: the first time, ever.
_FIRST, _LONGEST = 1.0, 60.0


class Discovery:
    """What is known of the servers, and when to ask.

    Args:
        given: the hosts that the pool was given.
        wanted: whether anybody wants to know.
        random: gives a number from 0 up to 1.
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
        """When to begin to follow the table."""

    @classmethod
    def of(cls, given: Sequence[Address], wanted: bool, random: Any) -> Discovery:
        """One that has looked at nothing yet."""
        return cls(given, wanted, Backoff(random, _FIRST, _LONGEST))

    def begun(self) -> None:
        """The table is about to be followed."""
        self.at = math.inf
        self._new, self._collecting = {}, True

    def told(self, change: Mapping[str, Any]) -> list[Address] | None:
        """The table has changed, or this is how it was at first.

        Returns:
            where the servers are, if that is known and may be news.
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
        """The table cannot be followed, or no longer.

        Returns:
            Whether that will stay so: the user may not read it.
        """
        if isinstance(error, ReqlPermissionError):
            return True
        self._failures += 1
        self.at = now + self._backoff.pause(self._failures)
        return False

    def _address_in(self, row: Mapping[str, Any]) -> Address | None:
        """Where a server can be reached; None if the row tells of no place that we can reach."""
        network = row.get("network") or {}
        port = network.get("reql_port")
        if not isinstance(port, int):
            return None
        hosts = list(_hosts_in(network))
        for host, given_port in self._given:
            if given_port == port and (host in hosts or self._is_same(host, hosts)):
                return host, given_port
        # A loopback address of theirs is not ours, unless all are on this machine.
        hosts = [host for host in hosts if _is_local(host) is self._local]
        return (hosts[0], port) if hosts else None

    def _is_same(self, host: str, hosts: list[str]) -> bool:
        """Whether it is another name of this machine, on which the server is, too."""
        return self._local and _is_local(host) and any(map(_is_local, hosts))


def _hosts_in(network: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of a server, IPv4 first; those of one link mean nothing elsewhere."""
    addresses = [each["host"] for each in network.get("canonical_addresses") or ()]
    yield from sorted(filter(_is_global, addresses), key=lambda host: ":" in host)


def _is_local(host: str) -> bool:
    address = _parsed(host)
    return host == "localhost" if address is None else bool(address.is_loopback)


def _is_global(host: str) -> bool:
    address = _parsed(host)
    return address is None or not address.is_link_local


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    """The address; None if it is a name."""
    from ipaddress import ip_address  # late: few pools need it

    try:
        return ip_address(host)
    except ValueError:
        return None
