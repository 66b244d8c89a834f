"""Compiles wire JSON to a tree of nodes. Checks arity, options, scopes of variables and `r.row`.

A mistake found here is a compile error, before anything is evaluated. `forms` checks the form of
the terms before this module is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rethinkdb.embedded.data import datum, pseudotypes
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.data.weighing import Scales
from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure, compile_failure
from rethinkdb.embedded.language import forms
from rethinkdb.embedded.language.evaluation import (
    ConstantNode,
    FunctionNode,
    ImplicitVariableNode,
    Node,
    ObjectNode,
    TermNode,
    VariableNode,
)
from rethinkdb.embedded.language.forms import RawTerm
from rethinkdb.embedded.language.profile import Trace, TracedNode
from rethinkdb.embedded.language.registry import TERMS, Implementation, TermRules
from rethinkdb.embedded.language.sharing import NOTED, Sharing
from rethinkdb.ql2 import TermType


@dataclass(slots=True)
class Surroundings:
    """What encloses the term that is being compiled.

    It is not changed afterwards. To have it frozen would cost each query 2 µs.

    Attributes:
        variables: ids of the parameters in scope.
        one_parameter_functions: how many functions with one parameter enclose it; `r.row` is legal
            in exactly one.
        located: whether failures tell where; those of run options all point at the whole query.
        trace: what records the times of the terms, if the query is profiled.
        sharing: counts how often variables are used.
        outside: the parameters of functions around the innermost one that runs in a loop.
        caller: the term that calls the function which is compiled next, if it is one of `NOTED`.
        scales: weighs all results, if parts of them may be used too often.
    """

    variables: frozenset[int] = frozenset()
    one_parameter_functions: int = 0
    located: bool = True
    trace: Trace | None = None
    sharing: Sharing = field(default_factory=Sharing)
    outside: frozenset[int] = frozenset()
    caller: TermType | None = None
    scales: Scales | None = None


def compile_query(wire: Any, trace: Trace | None = None) -> Node:
    """The compiled root term of a query. If a trace is given, it records the evaluation."""
    return _compiled(wire, Surroundings(trace=trace))


def compile_options(wire: Mapping[str, Any]) -> dict[str, Node]:
    """The compiled run options of a query. Failures about them point at the whole query."""
    around = Surroundings(located=False)
    return {name: _compiled(value, around) for name, value in wire.items()}


def compile_function(parameters: tuple[int, ...], body: Any) -> Node:
    """A compiled function that is not from a query: a stored index function or write hook."""
    return _compiled(
        [TermType.FUNC, [[TermType.MAKE_ARRAY, list(parameters)], body]], Surroundings()
    )


def _compiled(wire: Any, around: Surroundings) -> Node:
    try:
        forms.check(wire)
        node = _compile(wire, (), around)
        if not around.sharing.is_dangerous:
            return node
        return _compile(wire, (), replace(around, scales=Scales()))
    except QueryFailure as failure:
        # Data that is no datum (numbers too large) is found here too, by rules that know nothing of
        # compiling.
        failure.kind = FailureKind.COMPILE
        if failure.backtrace is None or not around.located:
            failure.backtrace = ()
        raise


def _compile(wire: Any, backtrace: Backtrace, around: Surroundings) -> Node:
    if isinstance(wire, list):
        return _compile_term(forms.take_apart(wire), backtrace, around)
    if isinstance(wire, dict):
        return _compile_object(wire, backtrace, around)
    return ConstantNode(datum.from_json(wire), backtrace)


def _compile_all(
    wires: Mapping[Any, Any], backtrace: Backtrace, around: Surroundings
) -> dict[Any, Node]:
    if not around.located:
        return {step: _compile(wire, (), around) for step, wire in wires.items()}
    return {step: _compile(wire, (backtrace, step), around) for step, wire in wires.items()}


def _compile_object(fields: dict[str, Any], backtrace: Backtrace, around: Surroundings) -> Node:
    nodes = _compile_all(fields, backtrace, around)
    if REQL_TYPE not in fields and all(type(node) is ConstantNode for node in nodes.values()):
        # Most documents that are written are plain data. One node holds all of it.
        plain = {name: node.value for name, node in nodes.items() if isinstance(node, ConstantNode)}
        return ConstantNode(plain, backtrace)
    scales = around.scales
    if scales is None:
        return ObjectNode(nodes, pseudotypes.checked_object, backtrace)

    def finish(fields: dict[str, Datum]) -> Datum:
        return scales.weighed(pseudotypes.checked_object(fields))

    return ObjectNode(nodes, finish, backtrace)


def _compile_term(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    special = _SPECIAL.get(term.type)
    if special is not None:
        return special(term, backtrace, around)
    rules = TERMS.get(term.type)
    if rules is None:
        raise compile_failure(
            f"The term {term.type.name} ({term.type.value}) is not implemented by the embedded"
            " server.",
            backtrace,
        )
    return _build(rules, term, backtrace, around)


def _build(rules: TermRules, term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if rules.rewritten:
        _check_count(rules, term, backtrace)
    uses, inner = None, around
    if rules.type in NOTED:
        uses = around.sharing.begin_term(rules.type)
        inner = replace(around, caller=rules.type)
    elif around.caller is not None:
        inner = replace(around, caller=None)
    nodes = tuple(_compile_all(dict(enumerate(term.arguments)), backtrace, inner).values())
    if uses is not None:
        around.sharing.end_term(uses)
    spliced = any(_is_args(argument) for argument in term.arguments)
    if not spliced:
        _check_count(rules, term, backtrace)
    for name in term.options:
        if name not in rules.options:
            raise compile_failure(f"Unrecognized optional argument `{name}`.", (backtrace, name))
    options = _compile_all(term.options, backtrace, around)
    if around.scales is not None:
        rules = replace(rules, implementation=_weighed(rules.implementation, around.scales))
    if around.trace is not None:
        return TracedNode(rules, nodes, options, backtrace, spliced=spliced, trace=around.trace)
    return TermNode(rules, nodes, options, backtrace, spliced=spliced)


def _weighed(implementation: Implementation, scales: Scales) -> Implementation:
    return lambda call: scales.weighed(implementation(call))


def _check_count(rules: TermRules, term: RawTerm, backtrace: Backtrace) -> None:
    found = len(term.arguments)
    if not rules.accepts(found):
        raise compile_failure(f"Expected {rules.arity()} but found {found}.", backtrace)


def _is_args(wire: Any) -> bool:
    return isinstance(wire, list) and wire[0] == TermType.ARGS


# -- terms that are part of the language rather than of the table


def _compile_datum(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if len(term.arguments) != 1:
        raise compile_failure("Expected a datum.", backtrace)
    return ConstantNode(datum.from_json(term.arguments[0]), backtrace)


def _compile_make_object(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if term.arguments:
        raise compile_failure("MAKE_OBJ term must not have any args.", backtrace)
    return _compile_object(term.options, backtrace, around)


def _compile_variable(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if len(term.arguments) != 1:
        raise compile_failure("A variable term has the wrong number of arguments.", backtrace)
    id_ = term.arguments[0]
    if isinstance(id_, (list, dict)):
        raise compile_failure("A variable term has a non-datum argument.", backtrace)
    if not datum.is_number(id_):
        raise compile_failure("A variable term has a non-numeric name datum.", backtrace)
    if datum.as_integer(id_) not in around.variables:
        raise compile_failure("Variable name not found.", backtrace)
    around.sharing.use(int(id_), in_loop=int(id_) in around.outside)
    return VariableNode(int(id_), backtrace)


_ROW = "r.row"


def _compile_implicit(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if term.arguments or term.options:
        raise compile_failure(
            "Expected no arguments or optional arguments on implicit variable term.", backtrace
        )
    if around.one_parameter_functions == 0:
        raise compile_failure("r.row is not defined in this context.", backtrace)
    if around.one_parameter_functions > 1:
        raise compile_failure(
            "Cannot use r.row in nested queries.  Use functions instead.", backtrace
        )
    around.sharing.use(_ROW, in_loop=False)
    return ImplicitVariableNode(backtrace)


def _compile_function(term: RawTerm, backtrace: Backtrace, around: Surroundings) -> Node:
    if term.options:
        raise compile_failure("FUNC takes no optional arguments.", backtrace)
    if len(term.arguments) != 2:
        found = len(term.arguments)
        raise compile_failure(f"FUNC takes exactly two arguments (got {found})", backtrace)
    parameters = _parameters(term.arguments[0], backtrace)
    takes_row = len(parameters) == 1 and parameters[0] >= 0  # a real server's own are negative
    inner = replace(
        around,
        variables=around.variables | set(parameters),
        one_parameter_functions=around.one_parameter_functions + takes_row,
        outside=around.outside if around.caller is TermType.FUNCALL else around.variables,
        caller=None,
    )
    counted = (*parameters, _ROW) if takes_row else parameters
    opened = around.sharing.begin_function(counted)
    body_place = (backtrace, 1) if around.located else backtrace
    body = _compile(term.arguments[1], body_place, inner)
    around.sharing.end_function(counted, opened, around.caller)
    return FunctionNode(parameters, body, backtrace, around.one_parameter_functions)


def _parameters(wire: Any, backtrace: Backtrace) -> tuple[int, ...]:
    if not isinstance(wire, list):
        found = "array of numbers*" if isinstance(wire, dict) else "*array* of numbers"
        literal = "*literal " if isinstance(wire, dict) else "literal "
        raise compile_failure(
            f"CLIENT ERROR: FUNC variables must be a {literal}{found}.", backtrace
        )
    term = forms.take_apart(wire)
    if term.type is not TermType.MAKE_ARRAY:
        raise compile_failure(
            "CLIENT ERROR: FUNC variables must be a *literal array of numbers*.", backtrace
        )
    for id_ in term.arguments:
        if isinstance(id_, (list, dict)):
            raise compile_failure(
                "CLIENT ERROR: FUNC variables must be a *literal* array of numbers.", backtrace
            )
        if not datum.is_number(id_):
            raise compile_failure(
                "CLIENT ERROR: FUNC variables must be a literal array of *numbers*.", backtrace
            )
    return tuple(int(id_) for id_ in term.arguments)


_SPECIAL: dict[TermType, Callable[[RawTerm, Backtrace, Surroundings], Node]] = {
    TermType.DATUM: _compile_datum,
    TermType.MAKE_OBJ: _compile_make_object,
    TermType.VAR: _compile_variable,
    TermType.IMPLICIT_VAR: _compile_implicit,
    TermType.FUNC: _compile_function,
}
