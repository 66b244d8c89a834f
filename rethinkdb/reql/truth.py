"""Terms that Python took the truth of, and that were then thrown away.

`and`, `or`, `not`, `in`, `if` and chains such as `1 < x < 3` are decided by Python, before the
server sees the query, and to Python a term is always true. So `r.row["a"] > 1 and r.row["b"] > 2`
is `r.row["b"] > 2`, without a word. An exception would be no way out: programs rightly write
`query.filter(condition) if condition else query`, and use the term that they tested.

What tells the mistakes apart is that the tested term is then thrown away. So a term whose truth is
taken gets a `_Test`, which dies with it and warns then, unless the term became part of a query in
the meantime. While there is no such term all this costs a look at an empty set.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlTruthWarning

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["Tested", "tests", "used"]

#: The tests of terms that are part of no query yet, by their ids.
tests: set[int] = set()

# What was said of each place: it is said again of further terms there, and Python then leaves it
# out. Otherwise a loop would tell of each of its terms.
_texts: dict[tuple[CodeType, int], str] = {}


class _Test:
    """The truth of a term was taken: where, and what the term was.

    It does not hold the term, which would then never die.
    """

    __slots__ = ("_code", "_instruction", "_kind", "_line", "_nodes", "_optargs", "_registry")

    def __init__(self, term: RqlQuery, frame: Any) -> None:
        self._kind: type[RqlQuery] | None = type(term)
        self._nodes, self._optargs = term._nodes, term._optargs
        self._code = frame.f_code
        self._line = frame.f_lineno
        self._instruction = frame.f_lasti
        # Here Python keeps what it has warned of.
        self._registry = frame.f_globals.setdefault("__warningregistry__", {})
        tests.add(id(self))

    def forget(self) -> None:
        """The term became part of a query."""
        self._kind = None
        tests.discard(id(self))

    def __del__(self) -> None:
        kind = getattr(self, "_kind", None)
        if kind is None:
            return
        self.forget()
        # When the interpreter ends, terms go that were still to be used.
        if not sys.is_finalizing():
            place = self._code, self._instruction
            text = _texts.get(place)
            if text is None:
                text = _texts[place] = _text(_term(kind, self._nodes, self._optargs))
            warnings.warn_explicit(
                text, ReqlTruthWarning, self._code.co_filename, self._line, registry=self._registry
            )


class Tested:
    """What conditions (comparisons, and, or, not) have beside other terms: they can be tested."""

    __slots__ = ()

    if TYPE_CHECKING:
        _test: _Test | None

    def __bool__(self) -> bool:
        """Always true, as of any term: only the server can tell."""
        used((self,))  # what was tested before is told of once, where it was tested last
        # `Tested` is mixed into terms only, which have the slot; mypy does not know that.
        self._test = _Test(self, sys._getframe(1))  # type: ignore[arg-type,misc]
        return True


def used(nodes: Iterable[Any]) -> None:
    """These became part of a query."""
    for node in nodes:
        test = getattr(node, "_test", None)
        if test is not None:
            test.forget()
            node._test = None


def _term(kind: type[RqlQuery], nodes: Any, optargs: Any) -> RqlQuery:
    term = kind.__new__(kind)
    term._nodes, term._optargs = nodes, optargs
    return term


def _text(term: RqlQuery) -> str:
    return (
        f"The truth of the term {_shortened(str(term))} was taken here, and the term was then"
        " thrown away. Python decides `and`, `or`, `not`, `in`, `if` and chains like `1 < x < 3`"
        " itself, and to Python a term is always true. In a query write `&`, `|`, `~`,"
        " `.contains(...)` and `(x > 1) & (x < 3)`; to test a result, get it with `.run(conn)`."
    )


def _shortened(text: str, longest: int = 200) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
