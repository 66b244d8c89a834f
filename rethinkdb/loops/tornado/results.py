"""What `run` returns on Tornado: for type checkers only.

`term.run(conn)` and `conn.run(term)` have these types. The result of a term that has no type, and
what `profile`, `noreply` and `as_type` make of a result, is Any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

if TYPE_CHECKING:
    from tornado.concurrent import Future

    from rethinkdb.net.results import GivesAnything, GivesArray, GivesOne, GivesStream

    from .cursor import TornadoCursor

__all__ = ["TornadoResults"]

if TYPE_CHECKING:
    T = TypeVar("T")


class TornadoResults:
    """The types of `run`, on connections and on pools."""

    if TYPE_CHECKING:

        @overload
        def run(
            self,
            term: GivesStream[T],
            *,
            as_type: None = ...,
            profile: Literal[False] = ...,
            noreply: Literal[False] = ...,
            **options: Any,
        ) -> Future[TornadoCursor[T]]: ...
        @overload
        def run(
            self,
            term: GivesArray[T],
            *,
            as_cursor: Literal[False] = ...,
            as_type: None = ...,
            profile: Literal[False] = ...,
            noreply: Literal[False] = ...,
            **options: Any,
        ) -> Future[list[T]]: ...
        @overload
        def run(
            self,
            term: GivesArray[T],
            *,
            as_cursor: Literal[True],
            as_type: None = ...,
            profile: Literal[False] = ...,
            noreply: Literal[False] = ...,
            **options: Any,
        ) -> Future[TornadoCursor[T]]: ...
        @overload
        def run(
            self,
            term: GivesOne[T],
            *,
            as_cursor: Literal[False] = ...,
            as_type: None = ...,
            profile: Literal[False] = ...,
            noreply: Literal[False] = ...,
            **options: Any,
        ) -> Future[T]: ...
        @overload
        def run(self, term: GivesAnything, **options: Any) -> Future[Any]: ...
        @overload
        def run(self, term: Any, *, as_type: Any, **options: Any) -> Future[Any]: ...
        @overload
        def run(self, term: Any, *, profile: bool, **options: Any) -> Future[Any]: ...
        @overload
        def run(self, term: Any, *, noreply: bool, **options: Any) -> Future[Any]: ...
        def run(self, term: Any, **options: Any) -> Any: ...
