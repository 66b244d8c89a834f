"""What a query gives, as type checkers see it. Loops state by these what their `run` returns.

For type checkers each term has one of these methods. Nobody calls it, and it does not exist at run
time. The last three are those of terms whose documents have a type: `r.table("heroes", of=Hero)`.
The stub of `rethinkdb.reql.typed_terms` declares them.

A plain call of `run` must fit only one overload. Otherwise mypy tries the next one where the result
is not what the program expects, and finds that Any would do.
"""

from typing import Any, Protocol, TypeVar

__all__ = ["GivesAnything", "GivesArray", "GivesOne", "GivesStream"]

T_co = TypeVar("T_co", covariant=True)

class GivesAnything(Protocol):
    """A query of which nothing is known."""

    def _gives_anything(self) -> Any: ...

class GivesStream(Protocol[T_co]):
    """A query that gives a cursor of rows."""

    def _gives_stream(self) -> T_co: ...

class GivesArray(Protocol[T_co]):
    """A query that gives a list of rows, and with `as_cursor=True` a cursor of them."""

    def _gives_array(self) -> T_co: ...

class GivesOne(Protocol[T_co]):
    """A query that gives one value."""

    def _gives_one(self) -> T_co: ...
