"""The one place where modules of the language call modules above them.

A term's methods make terms, and to make a term one needs the class of terms with all its methods.
With imports alone that would be a circle. So the modules below call the functions of this
module, and `rethinkdb.reql.classes`, which is above them all, puts the functions here when it is
imported. Importing any module of `rethinkdb.reql` imports `classes` first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rethinkdb.converters import Values
    from rethinkdb.errors import ReqlDriverCompileError
    from rethinkdb.reql.row_types import RowType
    from rethinkdb.reql.types import RqlQuery

__all__ = [
    "Maker",
    "binary",
    "locate",
    "maker",
    "node",
    "resolved",
    "row_type",
    "start_options",
    "term",
]

#: Makes the term of a call. It takes the arguments, the options, and the number of arguments that
#: were before the dot: 1 for a method, 0 for an `r.` function. `r.row` stays as it is in these.
Maker: TypeAlias = "Callable[[Sequence[Any], Mapping[str, Any], int], RqlQuery]"

#: Takes the name of a class, and returns what makes its terms; and the class, if that does nothing
#: more with arguments that need no conversion.
maker: Callable[[str], tuple[Maker, type[RqlQuery] | None]]

#: Makes a node of a Python value; see `rethinkdb.reql.conversion`.
node: Callable[[Any], Any]

#: Makes a node of a value that was kept for the connection; see `rethinkdb.reql.conversion`.
resolved: Callable[[Any, int, Values | None], Any]

#: Tells of which type the rows of a query are; see `rethinkdb.reql.row_types`.
row_type: Callable[[RqlQuery, Any], RowType]

#: Tells an error where in a term the value is that it is about.
locate: Callable[[UnicodeEncodeError | ReqlDriverCompileError, RqlQuery], None]

#: Makes a term of a node.
term: Callable[[Any], RqlQuery]

#: Makes a term of bytes, or of a term.
binary: Callable[[Any], RqlQuery]

#: Takes a term, its run options, the connection's database and what the connection does with values
#: that ReQL does not have, and returns the options as they are sent.
start_options: Callable[[RqlQuery, Mapping[str, Any], str | None, Values | None], dict[str, Any]]
