"""`discover=True` of pools: follows the servers of a cluster with a changefeed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rethinkdb.ql2 import QueryType, TermNumber

from .calling_back import CallingBack

__all__ = ["Discovering"]


class Discovering(CallingBack):
    """The part of a pool that finds out which servers the cluster has."""

    if TYPE_CHECKING:  # for pools to supply

        def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None: ...

    def _follow_cluster(self) -> None:
        """Open a changefeed on `server_status`. Its changes are passed to the pool's decisions."""
        ended: list[BaseException] = []

        def row(error: BaseException | None, change: Any) -> None:
            if error is None:
                self._told(self._pool.discovered, change)
            elif not ended:  # only the first error counts
                ended.append(error)
                self._told(self._pool.undiscovered, error)

        try:
            self._start_with(_ServerStatus(), row, self, {})
        except Exception as error:
            row(error, None)


class _ServerStatus:
    """The query as it is sent. It is built by hand, as this layer does not import `reql`."""

    def start_body(self, options: Mapping[str, Any], db: Any, values: Any) -> list[Any]:
        table = [TermNumber.TABLE, [[TermNumber.DB, ["rethinkdb"]], "server_status"]]
        changes = [TermNumber.CHANGES, [table], {"include_initial": True, "include_states": True}]
        return [QueryType.START, changes, {}]

    def render(self, frames: Any = None, enough: Any = None) -> tuple[str, None]:
        return "r.db('rethinkdb').table('server_status').changes(...)", None
