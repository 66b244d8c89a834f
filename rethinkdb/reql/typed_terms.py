"""Names for the types of terms whose documents have a class, for annotations.

    from rethinkdb.ast import Single, Stream, TypedTable

    def grown_up(heroes: TypedTable[Hero]) -> Stream[Hero]:
        return heroes.filter(r.row["age"] >= 18)

For a type checker, `r.table("heroes", of=Hero)` is a `TypedTable[Hero]`, and running it gives a
cursor of `Hero`. What these classes have is in the stub beside this file. At run time a term is of
its command's class, as always: the names can be written in annotations, and that is all they do.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Array", "Single", "Stream", "TypedTable"]


class _Name:
    """A name that takes a type in brackets."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise TypeError(
            f"{type(self).__name__} is a name for annotations. Queries begin with r.table()."
        )

    def __class_getitem__(cls, _: Any) -> type:
        return cls


class Stream(_Name):
    """A query that gives a cursor of documents of a class, or of changes of such documents."""


class Array(_Name):
    """A query that gives a list of documents of a class."""


class Single(_Name):
    """A query that gives one document of a class; `Single[Hero | None]`: or None."""


class TypedTable(_Name):
    """A table whose documents have a class."""
