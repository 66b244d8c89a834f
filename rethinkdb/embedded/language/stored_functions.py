"""Functions that outlive their query: those of indexes and write hooks.

They run in their own environment. So neither the options nor the end of the query that created them
matters. They can be converted to binary data and back, so that a client can store and restore them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rethinkdb.embedded.data import jsontext, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Function
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.language import javascript_source, real_functions, wire_forms
from rethinkdb.embedded.language.compiler import compile_function
from rethinkdb.embedded.language.evaluation import Environment, FunctionNode, Scope
from rethinkdb.ql2 import TermType

if TYPE_CHECKING:
    from rethinkdb.embedded.storage.store import Store

INDEX_PREFIX = "$reql_index_function$"
"""What functions of indexes start with, as binary data."""

WRITE_HOOK_PREFIX = "$reql_write_hook_function$"
"""And those of write hooks."""


@dataclass(frozen=True, slots=True)
class StoredFunction:
    """A function that is stored.

    Attributes:
        wire: its wire form, with what it captured where it was written put in.
        captured: whether it had captured anything.
        function: ready to be called.
        determinism: how far it gives the same result each time.
    """

    wire: Any
    captured: bool
    function: Function
    determinism: Determinism

    @classmethod
    def of(cls, function: Function, store: Store) -> StoredFunction:
        """A function of a query, to be stored."""
        plain = wire_forms.function_form(function.parameters, function.body)
        variables = function.scope.variables
        wire = wire_forms.function_form(function.parameters, function.body, variables)
        return cls.from_wire(wire, store, captured=wire != plain)

    @classmethod
    def from_wire(cls, wire: Any, store: Store, *, captured: bool = False) -> StoredFunction:
        """A function in wire form, to be stored."""
        _, (parameters, body) = wire
        node = compile_function(tuple(parameters[1]), body)
        assert isinstance(node, FunctionNode)
        environment = Environment(store, now=None)
        function = Function(node.parameters, node.body, Scope(environment))
        return cls(wire, captured, function, node.determinism)

    @classmethod
    def field(cls, name: str, parameter: int, store: Store) -> StoredFunction:
        """The function that gets a field of its argument."""
        variable = [TermType.VAR.value, [parameter]]
        body = [TermType.GET_FIELD.value, [variable, name]]
        parameters = [TermType.MAKE_ARRAY.value, [parameter]]
        return cls.from_wire([TermType.FUNC.value, [parameters, body]], store)

    @property
    def arity(self) -> int:
        """The number of its parameters."""
        return len(self.function.parameters)

    def __call__(self, *arguments: Datum) -> Datum:
        """Its result."""
        return values.as_datum(self.function.call(*arguments))

    def source(self) -> str:
        """The function as JavaScript, for people to read."""
        if self.captured:
            return "non-printable function (captured scope not empty)"
        return javascript_source.function_source(self.wire)

    def dumped(self, prefix: str, **properties: Any) -> bytes:
        """The function and its properties as binary data that starts with a prefix."""
        kept = {"captured": self.captured, "function": self.wire, **properties}
        return prefix.encode() + jsontext.dumps(kept)


class NotStoredFunction(Exception):
    """The binary data was not made by `StoredFunction.dumped`."""


def load(data: bytes, prefix: str, store: Store) -> tuple[StoredFunction, dict[str, Any]]:
    """A function and its properties, from binary data. A real server may have made the data.

    Raises:
        NotStoredFunction: the data after the prefix makes no sense.
    """
    try:
        kept = _kept(data[len(prefix) :])
        function = StoredFunction.from_wire(kept["function"], store, captured=kept["captured"])
    except (jsontext.NotJSON, KeyError, TypeError, ValueError, QueryFailure) as exc:
        raise NotStoredFunction(str(exc)) from exc
    return function, kept


def _kept(data: bytes) -> dict[str, Any]:
    if data.startswith(b"{"):
        kept: dict[str, Any] = jsontext.loads(data)
        return kept
    function, multi, geo = real_functions.wire_form(data)
    return {"function": function, "captured": False, "multi": multi, "geo": geo}
