"""`QueryInfo`: the command, table and database of a query, and its text without values."""

from __future__ import annotations

from typing import Any, NamedTuple

from rethinkdb.net.query import Query

__all__ = ["QueryInfo", "Where"]

# Names of commands whose classes have no public name.
_NAMES = {"": "expr", "_bracket": "bracket"}


class Where(NamedTuple):
    """A server, and the name of the pool that is connected to it."""

    host: str
    port: int
    pool_name: str | None


class QueryInfo:
    """One query that was sent to one server. All events about the query have the same object.

    Its properties are computed when they are read, so a listener that only counts queries does not
    pay for them.

    Args:
        where: an object with the host, the port and the name of the pool, such as a session.
        query: the query.

    Attributes:
        received: bytes of its answers so far.
        rows: rows of the stream or elements of the array so far; 1 for any other value, 0 for null.
        batches: how many batches of the stream have arrived so far.
        feed: whether it is a changefeed. False until the server has said so.
        complete: whether the server has sent the whole stream.
    """

    # Defaults on the class, since setting each attribute of each query would take time.
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
    def shares(self) -> bool:
        """Whether it runs on a connection of a pool beside other queries.

        False: the connection belongs to no pool, or the pool lends it to this query's program.
        """
        where = self._where
        return getattr(where, "pooled", False) and where.lent_at is None

    @property
    def sent(self) -> int:
        """The size of the query in bytes."""
        return len(self._query.payload)

    @property
    def command(self) -> str:
        """The last command of the query: `insert`, `changes`, `get`; for a plain value `expr`."""
        statement = getattr(self._query.term, "statement", "")
        return _NAMES.get(statement, statement)

    @property
    def table(self) -> str | None:
        """The table at the start of the query; None if there is none or its name is computed."""
        return self._place()[1]

    @property
    def database(self) -> str | None:
        """The database of that table, or the query's default one. None: the server's default."""
        return self._place()[0] or self._default()

    def text(self, values: bool = False, limit: int | None = None) -> str:
        """The query as Python text.

        Args:
            values: show the values, which may be whole documents. If False, each value is shown as
                `?`; names of tables, indexes and fields are always shown.
            limit: cut the text after this many characters. None: do not cut it.
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
        """Database and table, if the term names them."""
        if self._found is None:
            self._found = _place_of(self._query.term)
        return self._found


def _place_of(term: Any) -> tuple[str | None, str | None]:
    """The database and table at the start of a term. Follows the first argument of each command."""
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
    """The string that a node is, as a Python string or as a term; None if it is none."""
    value = getattr(node, "data", node)
    return value if isinstance(value, str) else None
