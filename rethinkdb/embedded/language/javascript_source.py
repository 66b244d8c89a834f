"""Prints functions as a real server does: in the syntax of the JavaScript driver.

The printer of the real server has quirks, such as a missing `r.` or comma in some places. They are
kept, because clients compare the printed text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rethinkdb.embedded.language import layout
from rethinkdb.embedded.language.layout import Break, Document, Nest, NewLine
from rethinkdb.ql2 import TermType

FUNCTION_WIDTH = 80
QUERY_WIDTH = 89
MAX_DEPTH = 15

_COMMA: Document = (",", Break(" "))
_DOT = Break(".", ".")

_CONSTANTS = frozenset(
    (
        *(TermType.MINVAL, TermType.MAXVAL, TermType.IMPLICIT_VAR),
        *map(TermType, range(TermType.MONDAY, TermType.SUNDAY + 1)),
        *map(TermType, range(TermType.JANUARY, TermType.DECEMBER + 1)),
    )
)
"""Without arguments, these are written without parentheses."""

_PREFIX_FORM = _CONSTANTS - {TermType.IMPLICIT_VAR} | frozenset(
    (
        TermType.ERROR,
        TermType.UUID,
        TermType.HTTP,
        TermType.DB,
        TermType.EQ,
        TermType.NE,
        TermType.LT,
        TermType.LE,
        TermType.GT,
        TermType.GE,
        TermType.NOT,
        TermType.ADD,
        TermType.SUB,
        TermType.MUL,
        TermType.DIV,
        TermType.MOD,
        TermType.BIT_AND,
        TermType.BIT_OR,
        TermType.BIT_XOR,
        TermType.BIT_NOT,
        TermType.BIT_SAL,
        TermType.BIT_SAR,
        TermType.OBJECT,
        TermType.RANGE,
        TermType.DB_CREATE,
        TermType.DB_DROP,
        TermType.DB_LIST,
        TermType.BRANCH,
        TermType.OR,
        TermType.AND,
        TermType.JSON,
        TermType.ISO8601,
        TermType.EPOCH_TIME,
        TermType.NOW,
        TermType.TIME,
        TermType.LITERAL,
        TermType.RANDOM,
        TermType.GEOJSON,
        TermType.POINT,
        TermType.LINE,
        TermType.POLYGON,
        TermType.CIRCLE,
        TermType.DATUM,
        TermType.VAR,
        TermType.MAKE_ARRAY,
        TermType.ARGS,
        TermType.JAVASCRIPT,
        TermType.ASC,
        TermType.DESC,
    )
)
"""These are written `r.name(...)`, all others as methods of their first argument."""


def function_source(wire: Any) -> str:
    """A function in wire form as JavaScript."""
    _, (parameters, body) = wire
    names = ", ".join(map(variable_name, parameters[1]))
    text = layout.render(_Printer().term(body), FUNCTION_WIDTH)
    return f"function({names}) {{ return {text}; }}"


def query_source(wire: Any) -> str:
    """A query in wire form as JavaScript."""
    return layout.render(_Printer().term(wire), QUERY_WIDTH)


def variable_name(id: int) -> str:
    """The name of a parameter; those the server makes up have negative ids."""
    return f"_var{-id}" if id < 0 else f"var{id}"


class _Printer:
    def __init__(self) -> None:
        self._depth = 0
        self._in_expression = False
        """Inside of `r.expr` or arguments, plain data needs no `r.expr` of its own."""
        self._prefixed = True
        """Whether an `r.` may be put in front."""

    # -- any term

    def term(self, wire: Any) -> Document:
        """A term, by its form."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            return "..."
        outer = self._in_expression
        try:
            return self._term(wire)
        finally:
            self._in_expression = outer
            self._depth -= 1

    def _term(self, wire: Any) -> Document:
        if isinstance(wire, dict):
            outer, self._in_expression = self._in_expression, True
            return self._object(wire) if outer else self._object_call(wire)
        if not isinstance(wire, list):
            shown = _scalar(wire)
            return shown if self._in_expression else self._call("expr", shown)
        type_, arguments, _ = _parts(wire)
        if type_ is TermType.MAKE_ARRAY:
            outer, self._in_expression = self._in_expression, True
            items = ("[", Nest(tuple(_separated(map(self.term, arguments)))), "]")
            return items if outer else self._call("expr", items)
        if type_ is TermType.FUNCALL and len(arguments) != 2:
            return self._do_call(arguments)
        if type_ is TermType.FUNC:
            return self._function(arguments)
        if type_ is TermType.VAR:
            return variable_name(arguments[0])
        if type_ is TermType.IMPLICIT_VAR:
            return self._prefix("row")
        if _is_method(wire):
            return self._chain(wire)
        if arguments or type_ not in _CONSTANTS:
            return self._function_call(wire)
        return self._prefix(_term_name(type_))

    def _prefix(self, document: Document) -> Document:
        return ("r", Nest((".", document))) if self._prefixed else document

    def _call(self, name: str, inner: Document) -> Document:
        return self._prefix((name, ("(", Nest(inner), ")")))

    # -- data

    def _object(self, fields: dict[str, Any]) -> Document:
        pairs = (Nest((f'"{name}":', Break(" "), self.term(fields[name]))) for name in fields)
        return ("{", Nest(tuple(_separated(pairs))), "}")

    def _object_call(self, fields: dict[str, Any]) -> Document:
        parts: list[Document] = []
        for name in fields:
            parts += [f'"{name}"', self.term(fields[name])]
        return self._call("object", Nest(tuple(_separated(parts))))

    # -- functions and calls

    def _function(self, arguments: list[Any]) -> Document:
        names = _separated(map(variable_name, arguments[0][1]))
        self._in_expression = False
        body = ("return", " ", Nest(self.term(arguments[1])), ";")
        head = Nest(("tion", " ", ("(", Nest(tuple(names)), ")"), " ", "{", NewLine(), body))
        return Nest(("func", head, NewLine(), "}"))

    def _do_call(self, arguments: list[Any]) -> Document:
        outer, self._in_expression = self._in_expression, True
        values = list(_separated(map(self.term, arguments[1:])))
        if values:
            values.append(_COMMA)
        self._in_expression = outer
        function = self.term(arguments[0])
        return self._prefix(("do", "(", function, Nest(tuple(values)), ")"))

    def _function_call(self, wire: list[Any]) -> Document:
        type_, arguments, options = _parts(wire)
        self._in_expression = True
        parts = [self.term(argument) for argument in arguments]
        if options:
            parts.append(self._options(options))
        name = "js" if type_ is TermType.JAVASCRIPT else _term_name(type_)
        return self._prefix((name, ("(", Nest(tuple(_separated(parts))), ")")))

    def _options(self, options: dict[str, Any]) -> Document:
        pairs = (
            Nest((f'"{_camel_case(name)}":', Break(" "), self.term(option)))
            for name, option in options.items()
        )
        return ("{", Nest(tuple(_separated(pairs))), "}")

    # -- chains of methods

    def _chain(self, wire: Any) -> Document:
        links: list[tuple[Document, ...]] = []
        dotted = False
        while _is_method(wire):
            link, dotted, wire = self._link(wire)
            links.insert(0, link)
            if wire is None:
                return self._prefix(tuple(links))
        is_variable = isinstance(wire, list) and _parts(wire)[0] is TermType.VAR
        if isinstance(wire, (list, dict)) and not is_variable:
            outer, self._prefixed = self._prefixed, False
            subject = self.term(wire)
            self._prefixed = outer
            return self._prefix((subject, tuple(links)))
        if dotted:  # the first dot is no place to break
            links[0] = (".", *links[0][1:])
        return Nest((self.term(wire), tuple(links)))

    def _link(self, wire: list[Any]) -> tuple[tuple[Document, ...], bool, Any]:
        """One method call, whether it starts with a dot, and its subject (None for the last)."""
        type_, arguments, options = _parts(wire)
        outer, self._in_expression = self._in_expression, True
        try:
            if type_ is TermType.IMPLICIT_VAR:
                return ("row",), False, None
            if type_ is TermType.BRACKET:
                return ("(", self.term(arguments[1]), ")"), False, arguments[0]
            if type_ is TermType.FUNCALL:
                function = Nest(self.term(arguments[0]))
                return (_DOT, "do", "(", function, ")"), True, arguments[1]
            return self._method(type_, arguments, options)
        finally:
            self._in_expression = outer

    def _method(
        self, type_: TermType, arguments: list[Any], options: dict[str, Any]
    ) -> tuple[tuple[Document, ...], bool, Any]:
        rendered: Document = self._options(options) if options else ""
        name = _term_name(type_)
        if not arguments:
            return (name, "(", rendered, ")"), False, None
        inner: tuple[Document, ...] = (rendered,)
        if len(arguments) > 1:
            others = Nest(tuple(_separated(map(self.term, arguments[1:]))))
            inner = (others, _COMMA, rendered) if options else (others,)
        return (_DOT, name, "(", *inner, ")"), True, arguments[0]


def _is_method(wire: Any) -> bool:
    if not isinstance(wire, list):
        return False
    type_, arguments, _ = _parts(wire)
    if type_ in (TermType.TABLE, TermType.FUNCALL):
        return len(arguments) == 2
    return type_ not in _PREFIX_FORM


def _parts(wire: list[Any]) -> tuple[TermType, list[Any], dict[str, Any]]:
    arguments = wire[1] if len(wire) > 1 else []
    return TermType(wire[0]), arguments, wire[2] if len(wire) > 2 else {}


def _separated(documents: Iterable[Document]) -> Iterator[Document]:
    for place, document in enumerate(documents):
        if place:
            yield _COMMA
        yield document


def _term_name(type_: TermType) -> str:
    return _camel_case(type_.name.lower())


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first.lower() + "".join(part[:1].upper() + part[1:] for part in others)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return str(int(value)) if value == int(value) else f"{value:.6f}"
