"""Docstrings as they are written here, for Sphinx.

Docstrings show code the plain way, indented below a line of prose or below `Example:`. Sphinx would
take the first for a quotation and the second for a paragraph.

They name no types under `Returns:` and in the docstrings of properties: the signatures do. Sphinx
would take what stands there before a colon for a type, even within `{"created": 1}`.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

CODE = ".. code-block:: python"
VARIADIC = re.compile(r"^( +)\*args, \*\*kwargs:")
EXAMPLE = "Example:"
OVERLOADED = ("rethinkdb.namespace", "rethinkdb.reql.term", "rethinkdb.reql.commands.databases")


def show_code(app: Any, what: str, name: str, target: Any, options: Any, lines: list[str]) -> None:
    """Rewrites the lines of a docstring, before napoleon sees them."""
    lines[:] = _rewritten(lines)


def _rewritten(lines: list[str]) -> list[str]:
    made: list[str] = []
    in_section = False
    for number, line in enumerate(lines):
        before = made[-1] if made else ""
        if line == EXAMPLE:
            made += [".. rubric:: Example", "", CODE, ""]
            in_section = True
            continue
        if line and not line.startswith(" "):
            in_section = _is_section(line, lines[number + 1 : number + 2])
        if not in_section and _begins_code(line, before, made):
            made += [_code(line), ""]
        made.append(VARIADIC.sub(r"\1args, kwargs:", line))  # the stars would begin strong text
    return made


def _is_section(line: str, following: list[str]) -> bool:
    """`Args:` and the like, with something indented right below."""
    return line.endswith(":") and not line.endswith("::") and any(t[:1] == " " for t in following)


def _begins_code(line: str, before: str, made: list[str]) -> bool:
    if not line.startswith("    ") or before:
        return False
    last = next((text for text in reversed(made) if text), "")
    return not last.startswith("    ") and not last.endswith("::")


def _code(line: str) -> str:
    # Trees and tables of names are no Python.
    return CODE if any(sign in line for sign in "()@=") else ".. code-block:: text"


def forget_overloads(app: Any) -> None:
    """Overloads are for type checkers. Readers get the one signature that stands on the page."""
    for module in OVERLOADED:
        analyzer = ModuleAnalyzer.for_module(module)
        analyzer.analyze()
        analyzer.overloads.clear()


class UntypedDocstring(GoogleDocstring):
    """Reads `Returns:` and the docstrings of properties as plain text."""

    def _consume_returns_section(
        self, preprocess_types: bool = False
    ) -> list[tuple[str, str, Any]]:
        lines = self._dedent(self._consume_to_next_section())
        return [("", "", lines)] if lines else []

    def _consume_inline_attribute(self) -> tuple[str, list[str]]:
        return "", self._dedent(self._consume_to_end())


def name_no_types() -> None:
    """Has napoleon read docstrings so; it has no option for that."""
    for name in ("_consume_returns_section", "_consume_inline_attribute"):
        setattr(GoogleDocstring, name, getattr(UntypedDocstring, name))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    name_no_types()
    app.connect("builder-inited", forget_overloads)
    app.connect("autodoc-process-docstring", show_code, priority=100)
    return {"parallel_read_safe": True}
