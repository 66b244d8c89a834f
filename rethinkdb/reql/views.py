"""What is inside a term, for programs that look there: mockthink, rethinkdb-mock and their kin.

The driver keeps scalars and plain data as they are sent, which takes the least time. Programs for
the official package expect that arguments and options are terms, too, in a list and a dict that
they may change. Both are made when a program first asks for them, and are part of the term then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rethinkdb.reql import late

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["TermViews"]


class _Arguments(list["RqlQuery"]):
    """Arguments that are all terms."""


class _Options(dict[str, "RqlQuery"]):
    """Options that are all terms."""


class TermViews:
    """The attributes of terms that show their arguments and options."""

    if TYPE_CHECKING:
        _nodes: Sequence[Any]
        _optargs: dict[str, Any]
        _sent: Any

        def _gives_anything(self) -> Any: ...  # see `rethinkdb/net/results.pyi`

    else:
        __slots__ = ()

    @property
    def _args(self) -> list[RqlQuery]:
        """The arguments as terms. What is changed in this list is changed in the query."""
        if type(self._nodes) is not _Arguments:
            self._nodes = _Arguments(map(late.term, self._nodes))
            self._changes()
        return self._nodes

    @_args.setter
    def _args(self, terms: Iterable[RqlQuery]) -> None:
        self._nodes = _Arguments(terms)
        self._changes()

    #: The name that `_args` had in releases up to 2.3.
    args = _args

    @property
    def optargs(self) -> dict[str, RqlQuery]:
        """The options as terms. What is changed in this dict is changed in the query."""
        if type(self._optargs) is not _Options:
            self.optargs = {name: late.term(node) for name, node in self._optargs.items()}
        return self._optargs

    @optargs.setter
    def optargs(self, terms: Mapping[str, RqlQuery]) -> None:
        self._optargs = _Options(terms)
        self._changes()

    def _changes(self) -> None:
        """The program may change what the term sends, from now on."""
        with suppress(AttributeError):
            del self._sent
