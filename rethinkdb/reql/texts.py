"""Warns of texts that Python made of a function's parameters: `lambda row: f"{row['name']}!"`.

Python makes such a text when the function is called, before the server sees a row. The query then
holds `"var_1['name']!"`, as the parameter prints, and every row would get that.

Only functions that print a term while they are called are looked at. So others pay for a look at a
number, and what a program prints to find its mistakes is not taken for one: it is in no query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["prints", "warn_of_texts"]

#: How often a term was printed, in a list of one. Threads may miss each other's: it need not be
#: exact, only different.
prints = [0]


def warn_of_texts(body: Any, numbers: Sequence[int]) -> None:
    """Warns if texts in a function's body name its parameters.

    Args:
        body: what the function has returned, as a term or a plain value.
        numbers: the numbers of its parameters.
    """
    named = re.compile(rf"\bvar_(?:{'|'.join(map(str, numbers))})\b")
    text = next((text for text in _texts(body) if named.search(text)), None)
    if text is None:
        return
    from rethinkdb.warning import warn_program  # late, as few programs need it

    warn_program(
        f"The query holds the text {text[:200]!r}. Python made it of a parameter of the function,"
        ' as f"{...}", str(...) and format(...) do, before the server has a value for that. Write'
        ' row["name"] + "!" in a query, and .coerce_to("string") for a value that is no text.',
        UserWarning,
    )


def _texts(body: Any) -> Iterator[str]:
    """All texts in a term or a plain value, keys among them."""
    pending = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            pending += value
        elif hasattr(value, "_optargs"):
            term: RqlQuery = value
            pending += [*term._nodes, *term._optargs.values()]
