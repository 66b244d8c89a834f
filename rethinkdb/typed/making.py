"""Makes the rows of a query: replies are decoded into objects of a type.

A reply without pseudo-types is decoded from its bytes directly into objects. Otherwise the reply is
first decoded into plain values, in which times are datetimes and binary data are bytes. Then
objects are made from these values.

If a row does not fit the type, the second way is used for the whole reply, row by row. A row that
does not fit is replaced by a `ReqlRowError`.

A library makes the objects: pydantic for its own models, msgspec for all other types (`Engine`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from reprlib import Repr
from typing import Any, get_args, get_origin

from rethinkdb.codec import Decode, Response
from rethinkdb.errors import ReqlDriverError, ReqlRowError
from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY
from rethinkdb.ql2 import ResponseType

from .changes import change_of
from .engine import Engine, UnknownFieldType

__all__ = ["RowMaker", "row_maker", "type_name"]

_PSEUDO_TYPE = PSEUDO_TYPE_KEY.encode()
_DOLLAR = _PSEUDO_TYPE[:1]

_ATOM = ResponseType.SUCCESS_ATOM
_BATCHES = (ResponseType.SUCCESS_PARTIAL, ResponseType.SUCCESS_SEQUENCE)

# Replies that begin like this are decoded directly. Servers write them in this form; any other form
# would only be slower. A single value is decoded directly only if it is an object, so surely a row.
_HEADS = {
    b'{"t":3,"r":[': ResponseType.SUCCESS_PARTIAL,
    b'{"t":2,"r":[': ResponseType.SUCCESS_SEQUENCE,
    b'{"t":1,"r":[{': ResponseType.SUCCESS_ATOM,
}
_HEAD_LENGTH = 12

# A reply with an array: the rows are the elements of its only result.
_ARRAY = b'{"t":1,"r":[['

# Errors of making rows that do not say that a row does not fit.
_OF_NO_ROW = (MemoryError, UnknownFieldType)

_shown = Repr()
_shown.maxstring = _shown.maxother = 60
_shown.maxdict = 4


class RowMaker:
    """Makes the rows of queries: objects of one type.

    Args:
        row_type: the type.

    Raises:
        ReqlDriverError: the library for this type is not installed, or cannot make such objects.
    """

    def __init__(self, row_type: Any) -> None:
        self.row_type = row_type
        self._engine = _engine(row_type)
        # If the type is a list, an array in a reply is one row, not several.
        self._takes_arrays = _takes_arrays(row_type)

    def decoder(self, plain: Decode, direct: bool) -> Decode:
        """Make the function that decodes the replies of a query.

        Args:
            plain: decodes replies into plain values.
            direct: whether replies may be decoded directly into objects, without `plain`.
        """
        made, decode_directly = self._made, self._decoded_directly

        def decode(payload: bytes) -> Response:
            if not direct or (_DOLLAR in payload and _PSEUDO_TYPE in payload):
                return made(plain(payload))
            try:
                response = decode_directly(payload)
            except _OF_NO_ROW:
                raise
            except Exception as error:  # of the class's own code, for one of the rows
                response = made(plain(payload))
                _proved(response.results, error)
            return made(plain(payload)) if response is None else response

        return decode

    def _decoded_directly(self, payload: bytes) -> Response | None:
        """Decode a reply directly. None: it is of another kind, or a row does not fit."""
        kind = _HEADS.get(payload[:_HEAD_LENGTH]) or _HEADS.get(payload[: _HEAD_LENGTH + 1])
        engine = self._engine
        try:
            if kind is not None:
                results, notes, profile = engine.decode(payload)
            elif payload.startswith(_ARRAY) and not self._takes_arrays:
                kind = _ATOM
                results, notes, profile = engine.decode_array(payload)
            else:
                return None
        except ValueError:  # a row does not fit, or this is no JSON; then `plain` raises
            return None
        return Response(kind, results, None, None, tuple(notes or ()), profile)

    def _made(self, response: Response) -> Response:
        if response.type in _BATCHES:
            rows = self._rows(response.results)
            misfits = any(type(row) is ReqlRowError for row in rows)
            return response._replace(results=rows, misfits=misfits)
        if response.type == _ATOM:
            return response._replace(results=[self._value(value) for value in response.results])
        return response

    def _rows(self, values: list[Any]) -> list[Any]:
        try:
            return self._engine.rows(values)
        except _OF_NO_ROW:
            raise
        except Exception as error:
            return _proved([self._row(value) for value in values], error)

    def _row(self, value: Any) -> Any:
        try:
            return self._engine.row(value)
        except _OF_NO_ROW:
            raise
        except Exception as error:
            return self._error(value, error)

    def _value(self, value: Any) -> Any:
        if value is None:
            return None  # there is no document, so no row
        is_array = type(value) is list and not self._takes_arrays
        rows = self._rows(value) if is_array else [self._row(value)]
        for row in rows:
            if type(row) is ReqlRowError:
                raise row
        return rows if is_array else rows[0]

    def _error(self, value: Any, error: Exception) -> ReqlRowError:
        # Another error comes from code of the class, such as `__post_init__` or a validator.
        known = isinstance(error, self._engine.failure)
        field, reason = self._engine.misfit(error) if known else ("", _told(error))
        key = _key(value)
        which = _shown.repr(value) if key is None else f"with the id {_shown.repr(key)}"
        place = f"its field `{field}`: " if field else ""
        text = f"The row {which} does not fit {type_name(self.row_type)}: {place}{reason}."
        made = ReqlRowError(text, key, field, value)
        made.__cause__ = error
        return made


def _proved(rows: list[Any], error: Exception) -> list[Any]:
    """The rows, one by one, after they failed together with an error.

    If all of them fit now, the error is not of a row: a signal handler has raised it, say.
    """
    if not any(type(row) is ReqlRowError for row in rows):
        raise error
    return rows


def _told(error: Exception) -> str:
    """An error of a class's own code, as the reason why a row does not fit."""
    text = str(error).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@lru_cache(maxsize=256)
def _cached(row_type: Any, of_feed: bool) -> RowMaker:
    return RowMaker(change_of(row_type) if of_feed else row_type)


def row_maker(row_type: Any, of_feed: bool = False) -> RowMaker:
    """The object that makes rows of a type.

    Args:
        row_type: the type of the rows. For a changefeed: the type of the documents.
        of_feed: whether the query is a changefeed.

    Raises:
        ReqlDriverError: rows of this type cannot be made; the message says why.
    """
    try:
        return _cached(row_type, of_feed)
    except TypeError as exc:  # it is not hashable
        raise ReqlDriverError(
            f"`as_type` must be a class or another type, not {row_type!r}."
        ) from exc


def type_name(row_type: Any) -> str:
    """The name of a type as people write it, such as `Change[Hero]`."""
    arguments = get_args(row_type)
    if not arguments:
        return getattr(row_type, "__qualname__", None) or repr(row_type)
    origin = get_origin(row_type)
    name = getattr(origin, "__qualname__", None) or repr(origin)
    return f"{name}[{', '.join(map(type_name, arguments))}]"


def _engine(row_type: Any) -> Engine:
    try:
        if _is_of_pydantic(row_type):
            from .models import Models

            return Models(row_type)
        from .structs import Structs

        return Structs(row_type)
    except ImportError as exc:
        raise ReqlDriverError(
            f"`as_type` needs {exc.name}, which is not installed. Install it with"
            ' `pip install "rethinkdb-loops[typed]"`.'
        ) from exc
    except Exception as exc:  # both libraries raise several kinds
        raise ReqlDriverError(f"Rows cannot be made as {type_name(row_type)}: {exc}") from exc


def _is_of_pydantic(row_type: Any) -> bool:
    """Whether a type, or one of its type arguments, is a pydantic model or dataclass."""
    if isinstance(row_type, type) and "__pydantic_validator__" in vars(row_type):
        return True
    return any(map(_is_of_pydantic, get_args(row_type)))


def _takes_arrays(row_type: Any) -> bool:
    origin = get_origin(row_type) or row_type
    return isinstance(origin, type) and issubclass(origin, (list, tuple, set, frozenset))


def _key(value: Any) -> Any:
    """The `id` of a row; for a changefeed row, the `id` of its document."""
    if not isinstance(value, Mapping):
        return None
    if "id" in value:
        return value["id"]
    key = _key(value.get("new_val"))
    return _key(value.get("old_val")) if key is None else key
