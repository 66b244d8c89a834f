"""Which host to dial next, and when.

A host that a connection was opened to since the last failure is proven: as many connections as are
needed may be opened to it at once. Any other host is tried with one dial at a time. After a failure
it is left alone for a pause that doubles with each further one (see `backoff`). So a server that
comes back meets one dial from each pool, spread over the whole of their pauses.

The hosts may change: `follow` is told where the servers of the cluster are. Those that the pool was
given and that are not among them stand in: they are used as long as none of the others can be
relied on. What was found is tried with one dial before it is relied on.

With several hosts new connections go to the host that has the fewest, and a host that does not
answer is never relied on while another one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rethinkdb.errors import ReqlDriverError

from .backoff import Backoff

__all__ = ["Address", "Host", "Hosts"]

#: Name or address of a server, and its driver port.
Address = tuple[str, int]

# A connection that lasted for less was no success: a server that takes connections only to drop
# them must not be dialled in a tight loop.
_STEADY = 1.0

# A host that has not answered a dial for this long is not relied on while there are others.
_SLOW = 2.0

_NEVER = math.inf


class Host:
    """One host, and what is known of it.

    Attributes:
        address: where it is.
        label: the same for people, as `host:port`.
        open: connections to it, usable or on their way out.
        dialling: connections being opened.
        proven: a connection was opened since the last loss or failure.
        trusted: it can be expected to answer: it has not failed, been slow to answer, or lost its
            last connection, since it was last proven.
        failures: in a row.
        cause: the last failure since it was last proven.
        final: that failure will not pass by itself, such as a wrong password.
        given: the pool was given it.
        stands_in: it is used only if no other host can be relied on.
        opened, lost, failed, queries, errors: counted since the pool was made; of queries only
            those on connections that are gone.
    """

    def __init__(self, address: Address, patience: float, given: bool = True) -> None:
        self.address = address
        self.label = _label(address)
        self.open = 0
        self.dialling = 0
        self.proven = False
        self.given = self.trusted = given
        self.stands_in = False
        self.failures = 0
        self.cause: BaseException | None = None
        self.final = False
        self.opened = 0
        self.lost = 0
        self.failed = 0
        self.queries = 0
        self.errors = 0
        self._patience = patience
        self._dialled_at = -_NEVER
        self._proven_since = _NEVER
        self._failed_at = -_NEVER
        self._retry_at = -_NEVER
        self._retry_at_if_urgent = -_NEVER

    def due(self, urgent: bool) -> float:
        """When it may be dialled."""
        if self.dialling and not self.proven:
            # The dial under way will say more. But it may hang, at a host that is back meanwhile.
            return self._dialled_at + self._patience if urgent else _NEVER
        return self._retry_at_if_urgent if urgent else self._retry_at

    def __repr__(self) -> str:
        return f"<host {self.label}: {self.open} open, {self.failures} failures>"


class Hosts:
    """The hosts of a pool. It is told what became of each dial.

    Args:
        addresses: at least one.
        backoff: says how long to leave a host alone.
        patience: while somebody waits, no pause is longer than this, and no dial without an answer
            is waited for longer. It should be a part of the time that they wait: who asks when the
            host is back is then served in time.
    """

    def __init__(self, addresses: Sequence[Address], backoff: Backoff, patience: float) -> None:
        self._hosts = [Host(address, patience) for address in addresses]
        self._former: dict[Address, Host] = {}
        self.random = backoff.random
        self._backoff = backoff
        self._patience = patience

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts)

    @property
    def former(self) -> Sequence[Host]:
        """Hosts that are no longer among them, for the sums."""
        return tuple(self._former.values())

    def follow(self, addresses: Sequence[Address]) -> list[Host]:
        """The servers of the cluster are here, and nowhere else.

        Returns:
            the hosts that were in use and are so no longer.
        """
        known = {host.address: host for host in self._hosts}
        for address in addresses:
            if address not in known:
                host = self._former.pop(address, None) or Host(address, self._patience, given=False)
                host.proven = host.trusted = False
                self._hosts.append(host)
        gone = []
        for host in tuple(self._hosts):
            host.stands_in = host.given and bool(addresses) and host.address not in addresses
            if not host.given and host.address not in addresses:
                self._hosts.remove(host)
                self._former[host.address] = host
                gone.append(host)
        return gone

    # What to do.

    def next(self, now: float, urgent: bool) -> Host | None:
        """The host to dial for who needs a connection; None if none may be dialled now.

        Args:
            now: the time.
            urgent: somebody waits for it.
        """
        hosts = self._in_use
        due = [host for host in hosts if host.due(urgent) <= now]
        trusted = [host for host in hosts if host.trusted]
        # Of those trusted the emptiest may be due only when a dial under way has said more.
        host = self._emptiest(trusted or due, due)
        return host if host in due else None

    def next_to_try(self, now: float) -> Host | None:
        """A host that nobody relies on, and whose pause is over: to see whether it is back."""
        if not self._any_trusted:
            return None  # then they are dialled by who needs a connection
        due = [host for host in self._in_use if not host.trusted and host.due(False) <= now]
        return self._emptiest(due, due)

    def wake_at(self, now: float, needed: bool, urgent: bool) -> float:
        """When there may be a host to dial that there is not now.

        Args:
            now: the time.
            needed: there are too few connections.
            urgent: somebody waits for one.
        """
        hosts = self._in_use
        times = [host.due(urgent) for host in hosts if needed]
        if self._any_trusted:
            times += [host.due(False) for host in hosts if not host.trusted]
        return min((at for at in times if at > now), default=_NEVER)

    def imbalance(self, now: float) -> tuple[Host, float]:
        """The host with the most connections, and when one of them would be better elsewhere."""
        fullest = max(self._hosts, key=lambda host: host.open)
        poor = [host for host in self._in_use if host.open <= fullest.open - 2]
        at = min((now if host.trusted else host.due(False) for host in poor), default=_NEVER)
        return fullest, at

    def relied_on(self, host: Host, dialled_at: float, now: float) -> bool:
        """Whether a dial can be relied on, as far as that is possible at present."""
        usual = host.trusted or not self._any_trusted
        return usual and not self.hangs(dialled_at, now)

    def hangs(self, dialled_at: float, now: float) -> bool:
        """Whether a dial has had no answer for so long that another one is tried beside it."""
        return now >= dialled_at + self._patience

    def look_at(self, host: Host, dialled_at: float, now: float) -> float:
        """When a dial will have taken too long to be relied on, if it has not already."""
        slow_at = dialled_at + _SLOW if host.trusted and len(self._hosts) > 1 else _NEVER
        return min(
            (at for at in (slow_at, dialled_at + self._patience) if at > now), default=_NEVER
        )

    def notice_slow(self, host: Host, dialled_at: float, now: float) -> None:
        """With several hosts, one that is slow to answer is not relied on."""
        if len(self._hosts) > 1 and now >= dialled_at + _SLOW:
            host.proven = host.trusted = False

    @property
    def refusal(self) -> BaseException | None:
        """What all hosts say, if none of them will let anybody in."""
        return self.cause if all(host.final for host in self._hosts) else None

    @property
    def cause(self) -> BaseException | None:
        """The latest failure of those hosts that fail."""
        failing = [host for host in self._hosts if host.cause is not None]
        return max(failing, key=lambda host: host._failed_at).cause if failing else None

    # What happened.

    def dialled(self, host: Host, now: float) -> None:
        """A connection to it is being opened."""
        host.dialling += 1
        host._dialled_at = now

    def gave_up(self, host: Host) -> None:
        """Opening one was given up."""
        host.dialling -= 1

    def opened(self, host: Host, now: float) -> None:
        """It let us in."""
        host.dialling -= 1
        host.open += 1
        host.opened += 1
        if not host.proven:
            host._proven_since = now
        host.proven = host.trusted = True
        host.cause, host.final = None, False
        host._retry_at = host._retry_at_if_urgent = -_NEVER

    def failed(
        self, host: Host, error: BaseException, final: bool, dialled_at: float, now: float
    ) -> None:
        """It did not let us in."""
        host.dialling -= 1
        host.failed += 1
        if dialled_at >= host._failed_at:  # not one of several that failed together
            self._set_aside(host, error, now)
        host.proven = host.trusted = False
        host.final = final

    def lost(self, host: Host, error: BaseException | None, opened_at: float, now: float) -> None:
        """A connection has ended by itself."""
        host.open -= 1
        host.lost += 1
        host.proven = False
        host.trusted = host.trusted and host.open > 0
        if now - opened_at < _STEADY:
            text = f"{host.label} ended the connection right after it was opened."
            self._set_aside(host, error or ReqlDriverError(text), now)

    def closed(self, host: Host) -> None:
        """A connection was closed by this side."""
        host.open -= 1

    # How.

    @property
    def _any_trusted(self) -> bool:
        return any(host.trusted for host in self._hosts)

    @property
    def _in_use(self) -> list[Host]:
        """All but those that stand in, as long as one of the others can be relied on."""
        found = [host for host in self._hosts if not host.stands_in]
        return found if any(host.trusted for host in found) else self._hosts

    def _emptiest(self, hosts: Sequence[Host], due: Sequence[Host]) -> Host | None:
        """The one with the fewest connections; best one that is due; chance decides the rest."""

        def order(host: Host) -> tuple[int, bool, float]:
            return host.open + host.dialling, host not in due, self._backoff.random()

        return min(hosts, key=order, default=None)

    def _set_aside(self, host: Host, error: BaseException, now: float) -> None:
        if now - host._proven_since >= _STEADY:
            host.failures = 0
        host.failures += 1
        host.proven = host.trusted = False
        host._proven_since = _NEVER
        host.cause, host.final = error, False
        host._failed_at = now
        pause, limit = self._backoff.pause(host.failures), self._backoff.limit(host.failures)
        host._retry_at = now + pause
        host._retry_at_if_urgent = now + pause * min(1.0, self._patience / limit)


def _label(address: Address) -> str:
    name, port = address
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
