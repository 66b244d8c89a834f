"""Strings."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Integer, RqlQuery, Text

__all__ = ["StringCommands"]


class StringCommands:
    """Commands on strings."""

    __slots__ = ()

    @command(TermType.MATCH)
    def match(self, pattern: Text, /) -> RqlQuery:
        """Looks for a regular expression (RE2) in a string.

        Args:
            pattern: the expression; `(?i)` in front ignores case.

        Returns:
            None, or `{"str": ..., "start": ..., "end": ..., "groups": [...]}`.

        Raises:
            ReqlQueryLogicError: the pattern is not valid.

        Example:
            r.table("users").filter(lambda user: user["name"].match("^A")).run(conn)
        """

    @command(TermType.SPLIT)
    def split(self, separator: Text | None = UNSET, max_splits: Integer = UNSET, /) -> RqlQuery:
        """Cuts a string into pieces.

        Args:
            separator: where to cut; None is whitespace, and `""` everywhere.
            max_splits: how often at most.

        Returns:
            A list of str.

        Raises:
            ReqlQueryLogicError: the subject is no string.

        Example:
            r.expr("a,b,c").split(",").run(conn)  # ['a', 'b', 'c']
        """

    @command(TermType.UPCASE)
    def upcase(self, /) -> RqlQuery:
        """A string in capitals (ASCII letters only).

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: the subject is no string.

        Example:
            r.expr("abc").upcase().run(conn)  # 'ABC'
        """

    @command(TermType.DOWNCASE)
    def downcase(self, /) -> RqlQuery:
        """A string in small letters (ASCII letters only).

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: the subject is no string.

        Example:
            r.expr("ABC").downcase().run(conn)  # 'abc'
        """
