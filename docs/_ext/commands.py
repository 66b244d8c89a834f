"""The directive `commands`: all commands of ReQL of one area.

    .. commands:: rethinkdb.reql.commands.sequences.SequenceCommands rethinkdb.ast.RqlQuery

lists the methods that the first class declares, as methods of the second, with the `r.` form of
those that have one. A module alone lists its functions, which are `r.` functions only.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from rethinkdb import query


class Commands(SphinxDirective):
    """See the module."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The nodes of all the area's commands."""
        owner, *shown = self.arguments
        lines = _methods(_found(owner), *shown) if shown else _functions(import_module(owner))
        container = nodes.container()
        self.state.nested_parse(StringList(list(lines), self.get_source_info()[0]), 0, container)
        return container.children


def command_names(owner: Any) -> list[str]:
    """The commands of a class or module; those of a class in the order of its source."""
    if isinstance(owner, ModuleType):
        return [name for name in owner.__all__ if hasattr(getattr(owner, name), "command")]
    return [name for name in vars(owner) if not name.startswith("_")]


def _found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _methods(owner: type, shown: str) -> Any:
    for name in command_names(owner):
        yield f".. automethod:: {shown}.{name}"
        yield ""
        if name in query.__all__:
            yield f"   Also `r.{name}(...)`{_difference(name, getattr(owner, name))}."
            yield ""


def _difference(name: str, method: Any) -> str:
    function = getattr(query, name)
    takes_subject = "self" in inspect.signature(function).parameters
    return ", which takes the subject first" if takes_subject else ", without a subject"


def _functions(owner: ModuleType) -> Any:
    for name in command_names(owner):
        yield f".. autofunction:: {owner.__name__}.{name}"
        yield ""


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
