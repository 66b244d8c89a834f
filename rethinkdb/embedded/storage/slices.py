"""Parts of tables that a query selects: by keys, by bounds, by an index."""

from __future__ import annotations

import enum
import itertools
import random
from collections.abc import Iterator
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.values import Table, TableSlice
from rethinkdb.embedded.failures import QueryFailure, about_user, logic, op_failed
from rethinkdb.embedded.storage import keys
from rethinkdb.embedded.storage.indexes import Index, Range
from rethinkdb.embedded.storage.tables import TableData


class RowOrder(enum.Enum):
    """The order of rows that no query sorts."""

    REAL = "real"
    """The order of a real server."""
    SHUFFLED = "shuffled"
    """A different order each time."""


def row_order(name: str) -> RowOrder:
    """The order with this name. Raises `ValueError` if there is none."""
    try:
        return RowOrder(name)
    except ValueError:
        names = " or ".join(f'"{order.value}"' for order in RowOrder)
        raise ValueError(f"`order` must be {names}, not {name!r}.") from None


def shuffled(items: Iterator[Any], chance: random.Random) -> Iterator[Any]:
    """The items in a different order each time."""
    found = list(items)
    chance.shuffle(found)
    yield from found


def is_primary(part: TableSlice) -> bool:
    """Whether a slice goes by the primary key rather than a secondary index."""
    return part.index is None or part.index == part.table.data.primary_key


def find_index(table: Table, name: str | None) -> Index | None:
    """A secondary index by name; None for the primary key. Raises if it is missing or not ready."""
    if name is None or name == table.data.primary_key:
        return None
    index = table.data.indexes.get(name)
    if index is None:
        message = f"Index `{name}` was not found on table `{table.display_name}`"
        if not table.data.is_system:
            raise op_failed(f"{message}.", ())
        raise about_user(op_failed(message))
    if not index.ready:
        raise op_failed(
            f"Index `{name}` on table `{table.display_name}` was accessed before its construction"
            " was finished.",
            (),
        )
    return index


def is_empty(part: TableSlice) -> bool:
    """Whether a slice is empty by its bounds or keys. Then nothing else about it is checked."""
    if part.keys is not None:
        return not part.keys
    left, right = datum.order_key(part.left), datum.order_key(part.right)
    return left > right or (left == right and not (part.left_closed and part.right_closed))


def check_primary_bounds(part: TableSlice) -> None:
    """Raises if keys or bounds cannot be primary keys."""
    if not is_primary(part) or is_empty(part):
        return
    for key in part.keys or ():
        keys.primary_key(key)
    if part.keys is None:
        try:
            keys.bound(part.left, primary=True)
            keys.bound(part.right, primary=True)
        except QueryFailure as failure:
            raise about_user(failure) from None


def index_for_values(part: TableSlice) -> Index | None:
    """The index of a slice; None for the primary key. Raises if it is a geospatial index."""
    index = find_index(part.table, part.index)
    if index is not None and index.geo:
        raise logic(
            f"Index `{index.name}` is a geospatial index.  Only get_nearest and"
            " get_intersecting can use a geospatial index.",
            (),
        )
    return index


def rows_by_key(
    table: TableData, index: Index | None, wanted: tuple[Datum, ...]
) -> Iterator[tuple[Datum, list[Datum]]]:
    """The rows under keys of a slice, each key once, with as many copies as it is named."""
    # In the order of the keys, a row as often as its key is named.
    primary = index is None
    by_key = sorted((keys.lookup(key, primary=primary), place) for place, key in enumerate(wanted))
    for _, same in itertools.groupby(by_key, key=lambda pair: pair[0]):
        places = [place for _, place in same]
        key = wanted[places[0]]
        rows = table.under(index, key) if index is not None else _as_list(table.get(key))
        yield key, [row for row in rows for _ in places]


def _as_list(row: Datum) -> list[Datum]:
    return [] if row is None else [row]


def primary_bounds(part: TableSlice) -> Range | None:
    """The range of primary keys of a slice. None if it uses an index or keys, or has all rows."""
    if part.keys is not None or not part.bounded or not is_primary(part):
        return None
    return Range(part.left, part.left_closed, part.right, part.right_closed)


def chunks_of(part: TableSlice) -> Iterator[list[Datum]]:
    """The rows of a slice, in chunks, in the order of its keys or of its index."""
    table = part.table.data
    index = index_for_values(part)
    if part.keys is not None:
        return (rows for _, rows in rows_by_key(table, index, part.keys))
    bounds = Range(part.left, part.left_closed, part.right, part.right_closed)
    descending = part.sorting == "desc"
    if index is None:
        return table.in_order(bounds, descending=descending)
    return table.in_index_order(index, bounds, descending=descending)
