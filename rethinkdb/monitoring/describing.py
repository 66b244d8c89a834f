"""What a query says about itself: its command, table and database, and its text without values."""

from __future__ import annotations

from typing import Any, NamedTuple

from rethinkdb.net.query import Query

__all__ = ["QueryInfo", "Where"]

# How a command is called that its class gives no public name.
_NAMES = {"": "expr", "_bracket": "bracket"}


class Where(NamedTuple):
    """A server, and the name of the pool that has connections to it."""

    host: str
    port: int
    pool_name: str | None


class QueryInfo:
    """One query that was sent to one server. Events about the same query hold the same one.

    Its attributes are found out when they are asked for, so who only counts pays nothing for them.

    Args:
        where: has the host, the port, and the name of the pool: a session, or something like it.
        query: what is sent.

    Attributes:
        received: bytes of the answers to it, so far.
        rows: elements of its sequence or array, so far; 1 for any other value, 0 for null.
        batches: how many batches of a sequence have come so far.
        feed: whether it is a changefeed, as far as the server has said.
        complete: whether the server has sent the whole sequence.
    """

    # Of the class, until something else is known: each would take its time for each query.
    received = 0
    rows = 0
    batches = 0
    feed = False
    complete = False
    _found: tuple[str | None, str | None] | None = None

    def __init__(self, where: Any, query: Query) -> None:
        self._where = where
        self._query = query

    @property
    def host(self) -> str:
        """The server's name or address."""
        return str(self._where.host)

    @property
    def port(self) -> int:
        """The server's port."""
        port: int = self._where.port
        return port

    @property
    def pool(self) -> str | None:
        """The name of the connection's pool, or None."""
        name: str | None = self._where.pool_name
        return name

    @property
    def sent(self) -> int:
        """Bytes of the query."""
        return len(self._query.payload)

    @property
    def command(self) -> str:
        """The last command of the query: `insert`, `changes`, `get`; `expr` of a mere value."""
        statement = getattr(self._query.term, "statement", "")
        return _NAMES.get(statement, statement)

    @property
    def table(self) -> str | None:
        """The table that the query begins with; None if it begins with none, or computes it."""
        return self._place()[1]

    @property
    def database(self) -> str | None:
        """The database of that table, the one that the query runs in, or None: the server's own."""
        return self._place()[0] or self._default()

    def text(self, values: bool = False, limit: int | None = None) -> str:
        """The query as Python text.

        Args:
            values: with the values in it, which may be whole documents. Without, each of them is
                `?`; names of tables, indexes and fields remain.
            limit: cut it after so many characters.
        """
        render = getattr(self._query.term, "render", None)
        if render is None:
            return "?"
        text: str = render(enough=limit, values=values)[0]
        return text if limit is None or len(text) <= limit else f"{text[:limit]}..."

    def __repr__(self) -> str:
        return f"<QueryInfo {self.host}:{self.port} {self.text(limit=100)}>"

    def _default(self) -> str | None:
        given = self._query.options.get("db") or self._query.db
        return given if given is None or isinstance(given, str) else _name(given)

    def _place(self) -> tuple[str | None, str | None]:
        """Database and table, as far as the term tells."""
        if self._found is None:
            self._found = _place_of(self._query.term)
        return self._found


def _place_of(term: Any) -> tuple[str | None, str | None]:
    """The database and table that a term begins with: what its first arguments lead to."""
    while hasattr(term, "_nodes"):
        nodes = term._nodes
        kind = term.statement
        if kind == "table":
            return (_name(nodes[0]) if len(nodes) > 1 else None), _text(nodes[-1])
        if kind == "db":
            return _name(term), None
        if not nodes:
            break
        # On the wire the function of `do` comes first.
        term = nodes[1] if kind == "do" and len(nodes) > 1 else nodes[0]
    return None, None


def _name(db: Any) -> str | None:
    """The name of `r.db(name)`."""
    nodes = getattr(db, "_nodes", None)
    return _text(nodes[0]) if nodes else None


def _text(node: Any) -> str | None:
    """A string, or the term of one."""
    value = getattr(node, "data", node)
    return value if isinstance(value, str) else None
