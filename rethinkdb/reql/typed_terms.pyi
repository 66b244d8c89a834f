"""The types of terms whose documents have a class: what a type checker knows of them.

Only commands that give the documents as they are keep the class, as `rethinkdb.reql.row_types` does
when a query runs. Other commands are those of `RqlQuery`, and give terms without a type.
"""

import builtins
from typing import Any, Generic, Literal, TypeVar, overload

from rethinkdb.reql.literals import Table
from rethinkdb.reql.term import RqlQuery
from rethinkdb.reql.types import Bound, Fields, Flag, Function, Integer, Number, Runs, Text, Value
from rethinkdb.typed.changes import Change

__all__ = ["Array", "Single", "Stream", "TypedTable"]

R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Alike = TypeVar("Alike", bound=RqlQuery)  # what gives documents in the same way, as `Stream[T]`
D = TypeVar("D")  # a document that may be missing

class _Rows(RqlQuery, Generic[T, Alike]):
    """What queries that give several documents have in common."""

    _gives_anything: None  # type: ignore[assignment]  # so it is not a `GivesAnything`
    def filter(
        self, predicate: Fields | Function | Flag, /, *, default: Value = False
    ) -> Alike: ...
    def has_fields(self, /, *selectors: Value) -> Alike: ...
    def skip(self, count: Integer, /) -> Alike: ...
    def limit(self, count: Integer, /) -> Alike: ...
    def slice(
        self,
        start: Integer,
        end: Integer = ...,
        /,
        *,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> Alike: ...
    @overload
    def __getitem__(self, key: int) -> Single[T]: ...
    @overload
    def __getitem__(self, key: builtins.slice) -> Alike: ...
    @overload
    def __getitem__(self, key: Value) -> RqlQuery: ...
    def nth(self, position: Integer, /) -> Single[T]: ...
    def min(self, what: Text | Function = ..., /, *, index: Text = ...) -> Single[T]: ...
    def max(self, what: Text | Function = ..., /, *, index: Text = ...) -> Single[T]: ...
    def sample(self, count: Integer, /) -> Array[T]: ...
    @overload
    def coerce_to(self, type: Literal["array"], /) -> Array[T]: ...
    @overload
    def coerce_to(self, type: Text, /) -> RqlQuery: ...
    @overload
    def union(self, /, *sequences: Stream[T] | Array[T], interleave: Value = True) -> Stream[T]: ...
    @overload
    def union(self, /, *sequences: Value, interleave: Value = True) -> RqlQuery: ...
    @overload
    def distinct(self, /) -> Array[T]: ...
    @overload
    def distinct(self, /, *, index: Text = ...) -> RqlQuery: ...

class Stream(_Rows[T, "Stream[T]"], Generic[T]):
    """A query that gives a cursor of documents of a class, or of changes of such documents."""

    def _gives_stream(self) -> T: ...
    @overload
    def run(self, c: None = None, **options: Value) -> Any: ...
    @overload
    def run(
        self,
        c: Runs[Stream[T], R],
        *,
        as_type: None = None,
        profile: Literal[False] = ...,
        noreply: Literal[False] = ...,
        **options: Value,
    ) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, as_type: Any, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, profile: bool, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, noreply: bool, **options: Value) -> R: ...
    def between(
        self,
        lower: Value,
        upper: Value,
        /,
        *,
        index: Text = ...,
        left_bound: Bound = "closed",
        right_bound: Bound = "open",
    ) -> Stream[T]: ...
    @overload
    def order_by(self, /, *keys: Value, index: Value) -> Stream[T]: ...
    @overload
    def order_by(self, /, *keys: Value, index: Value = ...) -> Array[T]: ...
    def changes(
        self,
        /,
        *,
        squash: Flag | Number = False,
        changefeed_queue_size: Integer = 100_000,
        include_initial: Flag = False,
        include_states: Flag = False,
        include_offsets: Flag = False,
        include_types: Flag = False,
    ) -> Stream[Change[T]]: ...

class Array(_Rows[T, "Array[T]"], Generic[T]):
    """A query that gives a list of documents of a class."""

    def _gives_array(self) -> T: ...
    @overload
    def run(self, c: None = None, **options: Value) -> Any: ...
    @overload
    def run(
        self,
        c: Runs[Array[T], R],
        *,
        as_cursor: Literal[False] = ...,
        as_type: None = None,
        profile: Literal[False] = ...,
        noreply: Literal[False] = ...,
        **options: Value,
    ) -> R: ...
    @overload
    def run(
        self,
        c: Runs[Stream[T], R],
        *,
        as_cursor: Literal[True],
        as_type: None = None,
        profile: Literal[False] = ...,
        noreply: Literal[False] = ...,
        **options: Value,
    ) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, as_type: Any, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, profile: bool, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, noreply: bool, **options: Value) -> R: ...
    def order_by(self, /, *keys: Value, index: Value = ...) -> Array[T]: ...

class Single(RqlQuery, Generic[T_co]):
    """A query that gives one document of a class; `Single[Hero | None]`: or None."""

    _gives_anything: None  # type: ignore[assignment]  # so it is not a `GivesAnything`
    def _gives_one(self) -> T_co: ...
    @overload
    def run(self, c: None = None, **options: Value) -> Any: ...
    @overload
    def run(
        self,
        c: Runs[Single[T_co], R],
        *,
        as_cursor: Literal[False] = ...,
        as_type: None = None,
        profile: Literal[False] = ...,
        noreply: Literal[False] = ...,
        **options: Value,
    ) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, as_type: Any, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, profile: bool, **options: Value) -> R: ...
    @overload
    def run(self, c: Runs[RqlQuery, R], *, noreply: bool, **options: Value) -> R: ...
    @overload
    def default(self: Single[D | None], value: None, /) -> Single[D | None]: ...
    @overload
    def default(self: Single[D | None], value: Value | Function, /) -> Single[D]: ...
    def changes(
        self: Single[D | None],
        /,
        *,
        squash: Flag | Number = False,
        changefeed_queue_size: Integer = 100_000,
        include_initial: Flag = False,
        include_states: Flag = False,
        include_offsets: Flag = False,
        include_types: Flag = False,
    ) -> Stream[Change[D]]: ...

class TypedTable(Stream[T], Table, Generic[T]):
    """A table whose documents have a class."""

    def get(self, key: Value, /) -> Single[T | None]: ...
    def get_all(self, /, *keys: Value, index: Text = ...) -> Stream[T]: ...
    def get_intersecting(self, geometry: Value, /, *, index: Text = ...) -> Stream[T]: ...
    @overload  # type: ignore[override]  # only of a table it gives a cursor
    def distinct(self, /) -> Stream[T]: ...
    @overload
    def distinct(self, /, *, index: Text = ...) -> RqlQuery: ...
