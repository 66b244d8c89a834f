"""Compiled terms: a tree of nodes, each of which can be evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.values import PLAIN_TYPES, Function, GroupedData, Value
from rethinkdb.embedded.failures import Backtrace, QueryFailure, logic
from rethinkdb.embedded.language import results
from rethinkdb.embedded.language.calls import Call
from rethinkdb.embedded.language.environment import Scope, located
from rethinkdb.embedded.language.registry import Grouping, TermRules
from rethinkdb.ql2 import TermType


class Node(ABC):
    """One compiled term.

    Attributes:
        backtrace: its place in the query.
        determinism: whether it gives the same result each time.
        passes_on: whether it may return a value that was made elsewhere. A real server locates
            errors about a value where the value was made, so the environment notes that place.
    """

    __slots__ = ("backtrace", "determinism", "passes_on")

    def __init__(
        self, backtrace: Backtrace, determinism: Determinism, *, passes_on: bool = False
    ) -> None:
        self.backtrace = backtrace
        self.determinism = determinism
        self.passes_on = passes_on

    @abstractmethod
    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The value of this term. `literal_ok`: whether it may contain `r.literal`."""

    def place(self, scope: Scope) -> Backtrace:
        """The backtrace of the value that `evaluate` has just returned."""
        return scope.environment.place if self.passes_on else self.backtrace


class ConstantNode(Node):
    """A datum written in the query."""

    __slots__ = ("value",)

    def __init__(
        self,
        value: Datum,
        backtrace: Backtrace,
        determinism: Determinism = Determinism.ALWAYS,
    ) -> None:
        super().__init__(backtrace, determinism)
        self.value = value

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The datum."""
        return self.value


class VariableNode(Node):
    """A parameter of a function around it."""

    __slots__ = ("id",)

    def __init__(self, id: int, backtrace: Backtrace) -> None:
        super().__init__(backtrace, Determinism.ALWAYS)
        self.id = id

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The argument for this parameter."""
        return scope.variables[self.id]


class ImplicitVariableNode(Node):
    """`r.row`."""

    __slots__ = ()

    def __init__(self, backtrace: Backtrace) -> None:
        super().__init__(backtrace, Determinism.ALWAYS)

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The argument of the function around it."""
        return scope.implicit


class FunctionNode(Node):
    """A function written in the query. It captures its scope when it is evaluated.

    `enclosing` is the number of functions with one parameter around it. If it is 1, the function
    captures `r.row`, too.
    """

    __slots__ = ("body", "enclosing", "parameters")

    def __init__(
        self,
        parameters: tuple[int, ...],
        body: Node,
        backtrace: Backtrace,
        enclosing: int = 0,
    ) -> None:
        super().__init__(backtrace, body.determinism)
        self.parameters = parameters
        self.body = body
        self.enclosing = enclosing

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The function."""
        return Function(self.parameters, self.body, scope, self.enclosing)


_PLACES_ITS_RESULT = frozenset(
    (
        TermType.AND,
        TermType.ASC,
        TermType.AVG,
        TermType.BRANCH,
        TermType.COERCE_TO,
        TermType.COUNT,
        TermType.DEFAULT,
        TermType.DESC,
        TermType.FUNCALL,
        TermType.MAX,
        TermType.MIN,
        TermType.OR,
        TermType.REDUCE,
        TermType.SUM,
    )
)
"""Terms whose result counts as made elsewhere. Some may return one of their arguments, or the
result of a function. The others are aggregations: their result counts as made by the stream.
"""


class TermNode(Node):
    """A term of the table.

    Attributes:
        rules: its row in the table.
        arguments: the arguments as written.
        options: the optargs by name.
        spliced: whether an argument is `r.args`. Their number is then known only at evaluation.
    """

    __slots__ = (
        "_groups_streams",
        "_implementation",
        "_per_group",
        "_places_result",
        "arguments",
        "options",
        "rules",
        "spliced",
    )

    def __init__(
        self,
        rules: TermRules,
        arguments: tuple[Node, ...],
        options: Mapping[str, Node],
        backtrace: Backtrace,
        *,
        spliced: bool,
    ) -> None:
        determinism = rules.determinism
        if rules.depends_on_arguments and arguments and not spliced:
            determinism = Determinism.ALWAYS
        for part in (*arguments, *options.values()):
            determinism |= part.determinism
        places_result = rules.type in _PLACES_ITS_RESULT
        super().__init__(backtrace, determinism, passes_on=places_result)
        self.rules = rules
        self.arguments = arguments
        self.options = options
        self.spliced = spliced
        # Kept as attributes, because each evaluation reads them.
        self._implementation = rules.implementation
        self._per_group = rules.grouping is not Grouping.WHOLE
        self._groups_streams = rules.grouping is Grouping.EACH
        self._places_result = places_result

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """Calls the implementation. Failures without a backtrace get that of this term."""
        try:
            arguments = self._splice(scope, literal_ok) if self.spliced else self.arguments
            call = Call(self, arguments, scope, literal_ok)
            if self._per_group and arguments:
                subject = call.first_value()
                if type(subject) is GroupedData:
                    return self._in_each_group(call, subject)
                if self._groups_streams and type(subject) is GroupedStream:
                    return self._in_each_group(call, results.collected(subject))
            value = self._implementation(call)
            if self._places_result:
                call.note_place_of(value)
            return value
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = self.backtrace
            raise
        except StopIteration as exc:  # a bug, which would silently end an iteration around it
            raise RuntimeError("StopIteration") from exc

    def _in_each_group(self, call: Call, groups: GroupedData) -> GroupedData:
        result = groups.transformed(
            lambda value: values.as_datum(self._implementation(call.on(value)))
        )
        call.environment.place = self.backtrace
        return result

    def _splice(self, scope: Scope, literal_ok: bool) -> tuple[Node, ...]:
        arguments: list[Node] = []
        literal_ok = literal_ok or self.rules.type is TermType.MERGE
        for node in self.arguments:
            if not is_term(node, TermType.ARGS):
                arguments.append(node)
                continue
            value = node.evaluate(scope, literal_ok=literal_ok)
            items = located(values.as_datum, value, node.place(scope))
            arguments.extend(
                ConstantNode(item, self.backtrace, node.determinism)
                for item in datum.as_array(items)
            )
        if not self.rules.accepts(len(arguments)):
            raise logic(f"Expected {self.rules.arity()} but found {len(arguments)}.")
        return tuple(arguments)


def is_term(node: Node | None, type: TermType) -> bool:
    """Whether a node is a term of this type."""
    return isinstance(node, TermNode) and node.rules.type is type


class ObjectNode(Node):
    """An object written in the query. Its values are terms."""

    __slots__ = ("finish", "values")

    def __init__(
        self,
        values: Mapping[str, Node],
        finish: Callable[[dict[str, Datum]], Datum],
        backtrace: Backtrace,
    ) -> None:
        determinism = Determinism.ALWAYS
        for node in values.values():
            determinism |= node.determinism
        super().__init__(backtrace, determinism)
        # A real server evaluates the fields by name, so the first that fails is the first of these.
        self.values = {name: values[name] for name in sorted(values)}
        self.finish = finish
        """Checks and converts pseudo-types."""

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Value:
        """The object."""
        try:
            fields = {}
            for name, node in self.values.items():
                value = node.evaluate(scope, literal_ok=literal_ok)
                if type(value) not in PLAIN_TYPES:
                    value = located(values.as_datum, value, node.place(scope))
                fields[name] = value
            return self.finish(fields)
        except QueryFailure as failure:
            if failure.backtrace is None:
                failure.backtrace = self.backtrace
            raise
