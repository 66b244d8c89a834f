"""The one place where the language refers upwards.

The methods of a term make terms of their arguments, and whoever makes a term needs the class of
terms, with all its methods. As imports that would be a circle. So the modules below call the two
functions of this module by name, and `rethinkdb.reql.classes`, which stands above them all, puts
them here. Importing any module of `rethinkdb.reql` imports that one first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["Maker", "maker", "start_options"]

#: Makes the term of a call. It takes the arguments, the options, and how many of the arguments are
#: the subject of a method (none or one), in which `r.row` stays what it is.
Maker: TypeAlias = "Callable[[Sequence[Any], Mapping[str, Any], int], RqlQuery]"

#: What makes the terms of the class of a name.
maker: Callable[[str], Maker]

#: Run options as JSON values, from the term, those given and the connection's default database.
start_options: Callable[[RqlQuery, Mapping[str, Any], str | None], dict[str, Any]]
