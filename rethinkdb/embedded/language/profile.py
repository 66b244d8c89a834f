"""The profile of a query (run option `profile`): how long the evaluation of its terms took.

Only a query with this option is compiled to terms that measure time, so other queries pay nothing.
The tree has the form of a real server's profile. The storage steps of a real server are missing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.values import Value
from rethinkdb.embedded.failures import Backtrace
from rethinkdb.embedded.language.evaluation import Node, Scope, TermNode
from rethinkdb.embedded.language.registry import TermRules
from rethinkdb.ql2 import TermType


class Event:
    """The evaluations of one term in one place, in a row."""

    __slots__ = ("count", "inside", "node", "seconds")

    def __init__(self, node: TracedNode) -> None:
        self.node = node
        self.count = 0
        self.seconds = 0.0
        self.inside: list[Event] = []

    def datum(self) -> Datum:
        """The event as a profile shows it. Several evaluations are shown by their mean."""
        description = f"Evaluating {self.node.name}."
        milliseconds = self.seconds * 1000
        if self.count == 1:
            return {
                "description": description,
                "duration(ms)": milliseconds,
                "sub_tasks": [event.datum() for event in self.inside],
            }
        return {
            "description": description,
            "mean_duration(ms)": milliseconds / self.count,
            "n_samples": self.count,
        }


class Trace:
    """The recording of one query."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def take(self) -> Datum:
        """The events since the last time."""
        events, self._events = self._events, []
        return [event.datum() for event in events]

    def evaluate(self, node: TracedNode, scope: Scope, literal_ok: bool) -> Value:
        """Evaluates a term and records it."""
        around = self._events
        last = around[-1] if around else None
        event = last if last is not None and last.node is node else Event(node)
        if event is not last:
            around.append(event)
        self._events = event.inside
        began = time.perf_counter()
        try:
            return super(TracedNode, node).evaluate(scope, literal_ok=literal_ok)
        finally:
            event.seconds += time.perf_counter() - began
            event.count += 1
            self._events = around


class TracedNode(TermNode):
    """A term whose evaluations are recorded."""

    __slots__ = ("_trace", "name")

    def __init__(
        self,
        rules: TermRules,
        arguments: tuple[Node, ...],
        options: Mapping[str, Node],
        backtrace: Backtrace,
        *,
        spliced: bool,
        trace: Trace,
    ) -> None:
        super().__init__(rules, arguments, options, backtrace, spliced=spliced)
        self._trace = trace
        self.name = _name(rules.type)

    def evaluate(self, scope: Scope, *, literal_ok: bool = False) -> Any:
        """See `TermNode`."""
        return self._trace.evaluate(self, scope, literal_ok)


_OPERATORS = frozenset(
    [
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "EQ",
        "NE",
        "LT",
        "LE",
        "GT",
        "GE",
        "BIT_AND",
        "BIT_OR",
        "BIT_XOR",
        "BIT_NOT",
    ]
)
"""Terms that a real server calls by their names in the protocol."""

_OTHER_NAMES = {
    TermType.ORDER_BY: "orderby",
    TermType.CONCAT_MAP: "concatmap",
    TermType.EQ_JOIN: "eqjoin",
    TermType.FOR_EACH: "foreach",
    TermType.TYPE_OF: "typeof",
}


def _name(type_: TermType) -> str:
    if type_.name in _OPERATORS:
        return type_.name
    found = _OTHER_NAMES.get(type_, type_.name.lower())
    return f"s{found}" if found.startswith("index_") else found
