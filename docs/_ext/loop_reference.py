"""The directive `loop`: the connection and the cursor of one loop, with that loop's own signatures.

    .. loop:: asyncio

The methods are written once for all loops, so their annotations cannot say what callers get. This
table can: a value, a coroutine, a Future or a Deferred of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from rethinkdb.loops import load

RESULTS = {
    "blocking": "{}",
    "asyncio": "Coroutine[{}]",
    "tornado": "Future[{}]",
    "twisted": "Deferred[{}]",
    "trio": "Coroutine[{}]",
    "gevent": "{}",
}

CONNECTION = {
    "reconnect": "Connection",
    "run": "Any",
    "noreply_wait": "None",
    "server": "ServerInfo",
    "close": "None",
}

CURSOR = {
    "next": "Any",
    "fetch_next": "bool",
    "to_list": "list[Any]",
    "close": "None",
    "aclose": "None",
}

# These give their result at once, on every loop.
PLAIN = {"use": "None", "repl": "Connection", "is_open": "bool"}

# Here a cursor is closed at once: there is nothing to wait for.
CLOSES_AT_ONCE = {"tornado", "twisted"}


class Loop(SphinxDirective):
    """See the module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The nodes of both classes."""
        (name,) = self.arguments
        container = nodes.container()
        lines = StringList(list(_lines(name)), self.get_source_info()[0])
        self.state.nested_parse(lines, 0, container)
        return container.children


def _lines(loop: str) -> Iterator[str]:
    connection = load(loop)
    yield from _class(loop, connection, {**CONNECTION, **PLAIN})
    yield from _class(loop, connection.cursor_type, CURSOR)


def _class(loop: str, owner: type, results: dict[str, str]) -> Iterator[str]:
    where = f"rethinkdb.loops.{loop}.{owner.__name__}"
    yield f".. autoclass:: {where}()"
    yield "   :no-members:"
    yield ""
    for name, result in results.items():
        method: Any = getattr(owner, name, None)
        if method is not None:
            yield f"   .. automethod:: {where}.{name}{_signature(loop, owner, method, result)}"
            yield "      :no-index:"
            yield ""


def _signature(loop: str, owner: type, method: Any, result: str) -> str:
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(method).parameters.values()
        if parameter.name != "self"
    ]
    at_once = method.__name__ in PLAIN or (
        method.__name__ == "close" and "Cursor" in owner.__name__ and loop in CLOSES_AT_ONCE
    )
    given = result if at_once else RESULTS[loop].format(result)
    return f"{inspect.Signature(parameters)} -> {given}"


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("loop", Loop)
    return {"parallel_read_safe": True}
