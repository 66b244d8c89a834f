"""What `run` returns on gevent: for type checkers only.

`term.run(conn)` and `conn.run(term)` have these types. The result of a term that has no type, and
what `profile`, `noreply` and `as_type` make of a result, is Any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

if TYPE_CHECKING:
    from rethinkdb.net.results import GivesAnything, GivesArray, GivesOne, GivesStream

    from .connection import GeventCursor

__all__ = ["GeventResults"]

if TYPE_CHECKING:
    T = TypeVar("T")


class GeventResults:
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
        ) -> GeventCursor[T]: ...
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
        ) -> list[T]: ...
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
        ) -> GeventCursor[T]: ...
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
        ) -> T: ...
        @overload
        def run(self, term: GivesAnything, **options: Any) -> Any: ...
        @overload
        def run(self, term: Any, *, as_type: Any, **options: Any) -> Any: ...
        @overload
        def run(self, term: Any, *, profile: bool, **options: Any) -> Any: ...
        @overload
        def run(self, term: Any, *, noreply: bool, **options: Any) -> Any: ...
        def run(self, term: Any, **options: Any) -> Any: ...
