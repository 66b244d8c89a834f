"""The types in the signatures of commands.

Every argument may be a Python value or a query. A query is then computed by the server.

For type checkers the classes of terms are here, too. Methods of terms return terms, so the types
refer to each other in a circle; this module is the one place where it is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, Union

if TYPE_CHECKING:
    from rethinkdb.reql.literals import DB as DB
    from rethinkdb.reql.literals import Table as Table
    from rethinkdb.reql.term import RqlQuery as RqlQuery
    from rethinkdb.reql.typed_terms import TypedTable as TypedTable

Value: TypeAlias = Any  # whatever r.expr() takes
Function: TypeAlias = Union[Callable[..., Value], "RqlQuery"]
Text: TypeAlias = Union[str, "RqlQuery"]
Number: TypeAlias = Union[float, "RqlQuery"]
Integer: TypeAlias = Union[int, "RqlQuery"]
Flag: TypeAlias = Union[bool, "RqlQuery"]
Fields: TypeAlias = Union[Mapping[str, Value], "RqlQuery"]

Bound: TypeAlias = Union[Literal["open", "closed"], "RqlQuery"]
Durability: TypeAlias = Union[Literal["hard", "soft"], "RqlQuery"]
ReturnChanges: TypeAlias = Union[bool, Literal["always"], "RqlQuery"]
Conflict: TypeAlias = Literal["error", "replace", "update"] | Function
ReadMode: TypeAlias = Union[Literal["single", "majority", "outdated"], "RqlQuery"]
IdentifierFormat: TypeAlias = Union[Literal["name", "uuid"], "RqlQuery"]
WaitFor: TypeAlias = Union[
    Literal[
        "ready_for_outdated_reads", "ready_for_reads", "ready_for_writes", "all_replicas_ready"
    ],
    "RqlQuery",
]
EmergencyRepair: TypeAlias = Union[
    Literal["unsafe_rollback", "unsafe_rollback_or_erase"], "RqlQuery"
]
Unit: TypeAlias = Union[Literal["m", "km", "mi", "nm", "ft"], "RqlQuery"]
GeoSystem: TypeAlias = Union[Literal["WGS84", "unit_sphere"], "RqlQuery"]
HttpMethod: TypeAlias = Union[Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], "RqlQuery"]
ResultFormat: TypeAlias = Union[Literal["auto", "text", "json", "jsonp", "binary"], "RqlQuery"]

Term_contra = TypeVar("Term_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Runs(Protocol[Term_contra, R_co]):
    """A connection or pool, as `term.run(conn)` sees it. `R_co` is what it returns for the term."""

    def run(self, term: Term_contra, **options: Any) -> R_co: ...
