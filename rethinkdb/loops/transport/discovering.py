"""Following a cluster: `discover=True` of pools, carried out with a handler of the pool's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rethinkdb.ql2 import QueryType, TermType

from .calling_back import CallingBack

__all__ = ["Discovering"]


class Discovering(CallingBack):
    """The part of a pool that looks where the servers are."""

    if TYPE_CHECKING:  # for pools to supply

        def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None: ...

    def _follow_cluster(self) -> None:
        """Begin to follow `server_status`; what comes of it is told to the pool's decisions."""
        ended: list[BaseException] = []

        def row(error: BaseException | None, change: Any) -> None:
            if error is None:
                self._told(self._pool.discovered, change)
            elif not ended:  # as for the first error of several
                ended.append(error)
                self._told(self._pool.undiscovered, error)

        try:
            self._start_with(_ServerStatus(), row, self, {})
        except Exception as error:
            row(error, None)


class _ServerStatus:
    """The query, as it is sent: whoever executes decisions knows no ReQL."""

    def start_body(self, options: Mapping[str, Any], db: Any, values: Any) -> list[Any]:
        table = [TermType.TABLE, [[TermType.DB, ["rethinkdb"]], "server_status"]]
        changes = [TermType.CHANGES, [table], {"include_initial": True, "include_states": True}]
        return [QueryType.START, changes, {}]

    def render(self, frames: Any = None, enough: Any = None) -> tuple[str, None]:
        return "r.db('rethinkdb').table('server_status').changes(...)", None
