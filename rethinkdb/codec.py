"""JSON in and out.

A `Codec` turns queries into bytes and replies into `Response`s with Python values for
pseudo-types. It uses orjson, or the standard library where that is missing, or the encoder and
decoder classes a program brings along (see `ReQLEncoder`, `ReQLDecoder`).

The module is a little long, as all these ways have to give the same, and so stand side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rethinkdb import pseudotypes
from rethinkdb.converters import NO_CONVERTERS, Converters, Values, state
from rethinkdb.errors import ReqlDriverCompileError, ReqlError, ReqlTypeError, ReqlValueError
from rethinkdb.replies import MalformedResponse, Response, malformed, response_of

try:
    import orjson
except ImportError:  # no wheel for this platform; json does the same, slower
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = [
    "PSEUDO_TYPE_SIGN",
    "ROOM",
    "Codec",
    "Decode",
    "Edit",
    "MalformedResponse",
    "ReQLDecoder",
    "ReQLEncoder",
    "Response",
    "loads",
    "loads_quickly",
    "response_of",
]

EncoderFactory = Callable[[], Any]
DecoderFactory = Callable[[Mapping[str, Any]], Any]
Decode = Callable[[bytes], Response]

#: Gets a reply and its payload. Says whether there is anything in the reply now that was not there.
Edit = Callable[[Any, bytes], bool]

_PSEUDO_TYPE_BYTES = pseudotypes.PSEUDO_TYPE_KEY.encode()
#: What is in each payload with a pseudo-type.
PSEUDO_TYPE_SIGN = _PSEUDO_TYPE_BYTES[0]


# --- hooks for programs --------------------------------------------------------------------------


class ReQLEncoder(json.JSONEncoder):
    """Encodes queries; a base for encoders that know further types.

    Subclass it, override `default(obj)` to return something JSON can hold, and give the class to
    `r.connect(json_encoder=...)` or `query.run(conn, json_encoder=...)`:

        class Encoder(r.ReQLEncoder):
            def default(self, obj):
                return str(obj) if isinstance(obj, Decimal) else super().default(obj)
    """

    def __init__(self, **settings: Any) -> None:
        defaults = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
        super().__init__(**{**defaults, **settings})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        state.expect_encoders()

    def default(self, o: Any) -> Any:
        """What to encode in place of an object that is not JSON: here, the form of a term.

        Raises:
            ReqlTypeError: the object is no term.
        """
        build = getattr(o, "build", None)
        if build is not None:
            return build()
        error = ReqlTypeError(f"Object of type {type(o).__name__} is not JSON serializable")
        error._value = o  # type: ignore[attr-defined]  # for `explain` of the query, which finds it
        raise error


def _integer(text: str) -> int | float:
    # ReQL numbers are doubles, so nothing is lost; orjson does the same.
    try:
        number = int(text)
        return number if -(2**63) <= number < 2**64 else float(number)
    except (OverflowError, ValueError) as exc:
        raise json.JSONDecodeError(f"{len(text)} digits are no double", text, 0) from exc


class ReQLDecoder(json.JSONDecoder):
    """Decodes replies; a base for decoders with other conversions.

    Subclass it, override one of the `convert_` methods, and give the class to
    `r.connect(json_decoder=...)` or `query.run(conn, json_decoder=...)`:

        class Decoder(r.ReQLDecoder):
            def convert_time(self, obj):
                return obj["epoch_time"]

    Args:
        reql_format_opts: the run options of the query.
    """

    def __init__(self, reql_format_opts: Mapping[str, Any] | None = None) -> None:
        super().__init__(object_hook=self.convert_pseudotype, parse_int=_integer)
        self.reql_format_opts = dict(reql_format_opts or {})

    def convert_time(self, obj: Mapping[str, Any]) -> Any:
        """The value of a TIME object."""
        return pseudotypes.convert_time(obj)

    def convert_binary(self, obj: Mapping[str, Any]) -> Any:
        """The value of a BINARY object."""
        return pseudotypes.convert_binary(obj)

    def convert_grouped_data(self, obj: Mapping[str, Any]) -> Any:
        """The value of a GROUPED_DATA object."""
        return pseudotypes.convert_grouped_data(obj)

    def convert_pseudotype(self, obj: dict[str, Any]) -> Any:
        """The value of any JSON object of a reply, called inside out."""
        conversions = {
            "TIME": ("time_format", self.convert_time),
            "BINARY": ("binary_format", self.convert_binary),
            "GROUPED_DATA": ("group_format", self.convert_grouped_data),
        }
        return pseudotypes.from_wire(obj, self.reql_format_opts, conversions)


# --- the codec -----------------------------------------------------------------------------------


#: Of payloads from here on, what orjson leaves unused is less than what they hold.
ROOM = 2048


class Codec:
    """Encodes queries and decodes replies of a connection, or of one query.

    Args:
        json_encoder: a class (or factory) called without arguments, whose `encode(query)` gives
            JSON text. None and `ReQLEncoder` mean this driver's own.
        json_decoder: a class (or factory) called with the run options, whose `decode(text)` gives
            the reply. If it also has `decode_bytes`, that gets the bytes instead. None and
            `ReQLDecoder` mean this driver's own.
        converters: what becomes of values that ReQL does not have, for queries encoded with this.

    Attributes:
        values: what is done with such values, for those who build the queries. None: nothing.
    """

    def __init__(
        self,
        json_encoder: EncoderFactory | None = None,
        json_decoder: DecoderFactory | None = None,
        converters: Converters | None = None,
    ) -> None:
        self._encoder = None if json_encoder is ReQLEncoder else json_encoder
        self._decoder = None if json_decoder is ReQLDecoder else json_decoder
        self.values: Values | None = None
        if self._encoder is not None:
            state.expect_encoders()
        if self._encoder is not None or converters is not None:
            self.values = Values(converters or NO_CONVERTERS, self._encoder is not None)

    @property
    def dumps(self) -> Callable[[Any, Any], bytes] | None:
        """What may encode queries in place of `encode`: `orjson.dumps`; None: nothing may."""
        return orjson.dumps if orjson is not None and self.values is None else None

    @property
    def own_decoder(self) -> bool:
        """Whether replies are decoded by a class of the program's."""
        return self._decoder is not None

    def encode(self, query: list[Any]) -> bytes:
        """The JSON body of a query.

        Raises:
            ReqlDriverCompileError: a value is of a type that JSON cannot hold (ReqlTypeError), is
                not a finite number (ReqlValueError), or lies too deep.
            UnicodeEncodeError: a string holds a lone surrogate.
        """
        if self._encoder is not None:
            return _encode_by(self._encoder(), query)
        if orjson is not None:
            try:
                payload: bytes = orjson.dumps(query)
            except TypeError:
                pass  # beyond 64 bits or 254 levels, which json can do; or json says what is wrong
            else:
                # orjson's own bytes keep all of their first 4 KiB. A query holds its payload until
                # it is answered, and a cursor until it ends: a copy for 0.02 µs has its own size.
                return b"%b" % payload if len(payload) < ROOM else payload
        return _encode_plain(query)

    def decoder(self, options: Mapping[str, Any], edit: Edit | None = None) -> Decode:
        """A function that decodes the replies to one query.

        It raises MalformedResponse when the server broke the protocol. Any other exception (an
        unknown pseudo-type, a year Python does not have, what a decoder of the program's raises)
        concerns this query alone.

        Args:
            options: the run options of the query.
            edit: changes replies, as JSON says them, before their values are converted.
        """
        if self._decoder is not None:
            return _custom_decoder(self._decoder, options, edit)
        if edit is not None:
            return _editing_decoder(options, edit)
        native_times = options.get("time_format") in (None, "native")

        def decode(payload: bytes) -> Response:
            try:
                reply = loads_quickly(payload)
            except ValueError:
                reply = loads(payload)
            response = response_of(reply, payload)
            # Most results hold no pseudo-type, and then nothing needs to be walked; most not even
            # its first character, which takes 12 µs in 1 MB to find out, where the word takes 260.
            if PSEUDO_TYPE_SIGN in payload:
                _convert_found(response, payload, options, native_times)
            return response

        return decode


def _convert_found(
    response: Response, payload: bytes, options: Mapping[str, Any], native_times: bool
) -> None:
    """Convert the pseudo-types in a reply, if its bytes hold any."""
    count = payload.count(_PSEUDO_TYPE_BYTES)
    if count and not (native_times and _converted_alike(response.results, count)):
        _convert(response.results, options, native_times)
        _convert(response.profile or [], options, native_times)


def _encode_plain(query: list[Any]) -> bytes:
    try:
        return ReQLEncoder().encode(query).encode()
    except (UnicodeEncodeError, ReqlError):
        raise
    except ValueError as exc:
        raise ReqlValueError(str(exc)) from exc
    except RecursionError:
        return _encode_deep(query)


def _encode_by(encoder: Any, query: list[Any]) -> bytes:
    """The same by an encoder of the program's own."""
    try:
        text = encoder.encode(query)
    except RecursionError as exc:
        raise ReqlDriverCompileError(
            f"The query is nested too deep for the encoder {type(encoder).__name__}."
        ) from exc
    return text if isinstance(text, bytes) else str(text).encode()


class _Token(str):
    """A text that is JSON already."""

    __slots__ = ()


_COMMA, _COLON, _ARRAY_END, _OBJECT_END = map(_Token, ",:]}")


def _encode_deep(query: list[Any]) -> bytes:
    """The same for what is nested so deep that Python's json gives up, at some hundred levels."""
    encoder = ReQLEncoder()
    texts: list[str] = []
    pending: list[Any] = [query]  # the next one comes last
    while pending:
        value = pending.pop()
        if type(value) is list or type(value) is tuple:
            texts.append("[")
            pending.append(_ARRAY_END)
            pending += _separated([item] for item in reversed(value))
        elif type(value) is dict:
            texts.append("{")
            pending.append(_OBJECT_END)
            pending += _separated([item, _COLON, key] for key, item in reversed(value.items()))
        else:
            texts.append(value if type(value) is _Token else encoder.encode(value))
    return "".join(texts).encode()


def _separated(groups: Iterable[list[Any]]) -> list[Any]:
    joined: list[Any] = []
    for group in groups:
        joined += [_COMMA, *group] if joined else group
    return joined


def loads(payload: bytes) -> Any:
    """What JSON text says.

    Raises:
        MalformedResponse: it is no JSON, or nested deeper than Python can go.
    """
    if orjson is not None:
        try:
            return orjson.loads(payload)
        except ValueError:
            pass  # orjson is stricter about Unicode than servers may be
    try:
        text = payload.decode("utf-8", "surrogatepass")
        return json.loads(text, parse_int=_integer, parse_constant=_no_number)
    except (RecursionError, ValueError) as exc:
        raise malformed(f"not JSON ({exc})", payload) from exc


#: `loads` for nearly all replies, with a Python call less. After a `ValueError`, call `loads`.
loads_quickly: Callable[[bytes], Any] = loads if orjson is None else orjson.loads


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _editing_decoder(options: Mapping[str, Any], edit: Edit) -> Decode:
    native_times = options.get("time_format") in (None, "native")

    def decode(payload: bytes) -> Response:
        reply = loads(payload)
        edited = edit(reply, payload)
        response = response_of(reply, payload)
        if edited:
            _convert(response.results, options, native_times)
        elif PSEUDO_TYPE_SIGN in payload:
            _convert_found(response, payload, options, native_times)
        return response

    return decode


def _custom_decoder(
    factory: DecoderFactory, options: Mapping[str, Any], edit: Edit | None
) -> Decode:
    decoder = factory(options)
    decode_bytes = getattr(decoder, "decode_bytes", None)  # saves a copy of the reply as text

    def decode(payload: bytes) -> Response:
        if edit is not None and edit(reply := loads(payload), payload):
            payload = json.dumps(reply).encode()
        try:
            reply = decode_bytes(payload) if decode_bytes else decoder.decode(payload.decode())
        except (json.JSONDecodeError, RecursionError, UnicodeDecodeError) as exc:
            raise malformed(f"not JSON ({exc})", payload) from exc
        return response_of(reply, payload)

    return decode


def _converted_alike(rows: Any, count: int) -> bool:
    """Convert the times in those fields of the rows where the first row has some.

    Most tables hold their times in the same fields of all documents, and the rest of these need not
    be walked then: for one of 33 values, 1.3 µs in place of 3.2.

    Args:
        rows: the results of a reply.
        count: how many pseudo-types there are at most: how often their key is in the payload.

    Returns:
        Whether that were all pseudo-types of the reply.
    """
    if type(rows) is not list or not {dict}.issuperset(map(type, rows)):
        return False
    key, convert_time = pseudotypes.PSEUDO_TYPE_KEY, pseudotypes.convert_time
    for field, first in list(rows[0].items()) if rows else ():
        if type(first) is not dict or first.get(key) != "TIME":
            continue
        for row in rows:
            value = row.get(field)
            if type(value) is dict and value.get(key) == "TIME":
                row[field] = convert_time(value)
                count -= 1
    return count == 0


def _convert(values: list[Any], options: Mapping[str, Any], native_times: bool) -> None:
    """Convert all pseudo-types in a list, in place, the inner ones first."""
    key = pseudotypes.PSEUDO_TYPE_KEY
    # Level by level, not by recursion: values may be nested deeper than Python calls functions.
    # It is quicker, too: for a document of 6 values and a time 1.6 µs in place of 2.0.
    found: list[tuple[Any, Any, dict[str, Any]]] = []
    containers: list[Any] = [values]
    for container in containers:
        is_object = type(container) is dict
        for place, value in container.items() if is_object else enumerate(container):
            kind = type(value)
            if kind is dict:
                if key in value:
                    found.append((container, place, value))
                    if native_times and value[key] == "TIME":
                        continue  # most pseudo-types are times, and these hold nothing else
                containers.append(value)
            elif kind is list:
                containers.append(value)
    # To know times without a call of `from_wire` saves 0.8 µs each, with the `continue` above.
    from_wire, convert_time = pseudotypes.from_wire, pseudotypes.convert_time
    for container, place, value in reversed(found):
        if native_times and value[key] == "TIME":
            container[place] = convert_time(value)
        else:
            container[place] = from_wire(value, options)
