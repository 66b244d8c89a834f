"""Strings."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Integer, RqlQuery, Text

__all__ = ["StringCommands"]


class StringCommands:
    """Commands on strings."""

    __slots__ = ()

    @command(TermNumber.MATCH)
    def match(self, pattern: Text, /) -> RqlQuery:
        """Searches a string for a regular expression, in the syntax of RE2.

        Args:
            pattern: the expression. `(?i)` at its start ignores case.

        Returns:
            `{"str": ..., "start": ..., "end": ..., "groups": [...]}`, or None if it is not found.

        Raises:
            ReqlQueryLogicError: the pattern is not valid.

        Example:
            r.table("users").filter(lambda user: user["name"].match("^A")).run(conn)
        """

    @command(TermNumber.SPLIT)
    def split(self, separator: Text | None = UNSET, max_splits: Integer = UNSET, /) -> RqlQuery:
        """Splits a string into parts.

        Args:
            separator: the text between the parts. None means whitespace, and `""` splits between
                all characters. Default: whitespace.
            max_splits: how often to split. The rest is then the last part. Default: no limit.

        Returns:
            A list of str.

        Raises:
            ReqlQueryLogicError: it is not called on a string.

        Example:
            r.expr("a,b,c").split(",").run(conn)  # ['a', 'b', 'c']
        """

    @command(TermNumber.UPCASE)
    def upcase(self, /) -> RqlQuery:
        """Makes the letters of a string upper case. It changes ASCII letters only.

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: it is not called on a string.

        Example:
            r.expr("abc").upcase().run(conn)  # 'ABC'
        """

    @command(TermNumber.DOWNCASE)
    def downcase(self, /) -> RqlQuery:
        """Makes the letters of a string lower case. It changes ASCII letters only.

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: it is not called on a string.

        Example:
            r.expr("ABC").downcase().run(conn)  # 'abc'
        """
