"""Reads a table batch by batch as text, and resumes at the same row if the server goes away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rethinkdb import query as r
from rethinkdb.codec import loads
from rethinkdb.errors import ReqlAvailabilityError, ReqlDriverError
from rethinkdb.tools.batches import TextDecoder, split_values
from rethinkdb.tools.layout import TableName
from rethinkdb.tools.running import Patience, Runner
from rethinkdb.tools.tables import table_term

__all__ = ["Reading", "batches"]


class Reading(NamedTuple):
    """What to read of a table.

    Attributes:
        name: the table.
        primary_key: the name of the primary key.
        outdated: whether replicas may answer that may be out of date.
        fields: the fields to read. None: all.
    """

    name: TableName
    primary_key: str
    outdated: bool = False
    fields: Sequence[str] | None = None

    def term(self, after: Any = None) -> Any:
        """The query for the rows, in the order of their keys.

        Args:
            after: give only rows with keys greater than this one.
        """
        options = {"read_mode": "outdated"} if self.outdated else {}
        rows = table_term(self.name, **options)
        if after is not None:
            rows = rows.between(after, r.maxval, left_bound="open")
        rows = rows.order_by(index=self.primary_key)
        if self.fields is None:
            return rows
        return rows.pluck(*{self.primary_key, *self.fields})  # resuming needs the key


def batches(runner: Runner, reading: Reading) -> Iterator[bytes]:
    """The rows of a table as the server sends them: texts of rows with commas between them.

    The driver requests one batch ahead. Rows come in the order of their keys. After a lost
    connection, reading resumes after the last key.
    """
    key: Any = None
    patience = Patience(runner)
    while True:
        last = None
        try:
            rows = runner.run(reading.term(key), json_decoder=TextDecoder)
            for text in rows:
                runner.check()
                patience.renew()
                last = text
                yield text
            return
        except (ReqlDriverError, ReqlAvailabilityError) as error:
            if last is not None:
                key = _last_key(last, reading.primary_key)
            patience.wait(error)


def _last_key(text: bytes, primary_key: str) -> Any:
    return loads(split_values(text)[-1])[primary_key]
