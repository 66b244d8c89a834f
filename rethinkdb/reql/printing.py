"""How terms print: as the Python text that makes them, in errors and in `str(query)`.

Each command has a style, a function of this module, that tells of which pieces the text of its
terms consists: texts, and nodes. A `Printer` prints the nodes in turn, and takes down where in the
text the part is that an error of the server points to. Terms of any depth can be printed.

Arguments and options are nodes: other terms, scalars, or plain data as it is sent, which holds no
term (`[MAKE_ARRAY, [item, ...]]`, `{key: value}`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

__all__ = ["Part", "Path", "Piece", "PrintableTerm", "Printer", "Style"]

# The steps from a node to the part to mark: () if the node is that part, None if it is elsewhere.
Path: TypeAlias = "tuple[int | str, ...] | None"


#: A node in the text of a term, and the step to it from the term; None if it is in its place.
Part: TypeAlias = "tuple[Any, int | str | None]"

#: What the text of a term consists of.
Piece: TypeAlias = "str | Part"


class PrintableTerm(Protocol):
    """A term, as printing sees it."""

    statement: ClassVar[str]
    _prints: ClassVar[Style]
    _prints_as: ClassVar[str]
    _by_operator: bool
    _nodes: Any
    _optargs: dict[str, Any]


Style: TypeAlias = "Callable[[Any], Iterator[Piece]]"


class Printer:
    """Collects the text of a query.

    Args:
        enough: stop when there are more characters than this; None: print all.

    Attributes:
        span: the start and end, in the text, of the part to mark.
    """

    def __init__(self, enough: int | None = None) -> None:
        self._enough = math.inf if enough is None else enough
        self._texts: list[str] = []
        self.span: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """The text written so far."""
        return "".join(self._texts)

    def print(self, node: Any, path: Path) -> None:
        """Appends a node: a term, a scalar, or plain data.

        Args:
            node: what to print.
            path: the steps from it to the part to mark.
        """
        length = 0
        # The nodes that are being printed, each inside the one before.
        open_nodes: list[tuple[Any, Iterator[Piece], Path, int]] = [
            (node, self._pieces(node, None, None), path, 0)
        ]
        while open_nodes:
            parent, pieces, path, start = open_nodes[-1]
            for piece in pieces:
                if isinstance(piece, str):
                    self._texts.append(piece)
                    length += len(piece)
                    if length > self._enough:
                        return
                    continue
                node, key = piece
                inner = path if key is None else _step(path, key)
                open_nodes.append((node, self._pieces(node, parent, key), inner, length))
                break
            else:
                open_nodes.pop()
                if path == ():
                    self.span = (start, length)

    def _pieces(self, node: Any, parent: Any, key: int | str | None) -> Iterator[Piece]:
        """The text of a node.

        Args:
            node: likewise.
            parent: the node that it is in, or None.
            key: the step from there to the node, or None.
        """
        return pieces_of(node)


def _step(path: Path, key: int | str) -> Path:
    return path[1:] if path and path[0] == key else None


def pieces_of(node: Any) -> Iterator[Piece]:
    """The text of a term, a scalar, or plain data."""
    prints = getattr(node, "_prints", None)
    if prints is not None:
        return prints(node)  # type: ignore[no-any-return]  # found by its name only
    if type(node) is list:
        return _array(node[1])
    if type(node) is dict:
        return _object(node)
    return iter((repr(node),))


# --- parts of styles -----------------------------------------------------------------------------


def _literal_kind(node: Any) -> str:
    """`datum`, `array`, or `-` for a node that never needs `r.expr()` around it."""
    if hasattr(node, "_prints"):
        return {datum: "datum", array: "array"}.get(node._prints, "-")
    if type(node) is list:
        return "array"
    return "-" if type(node) is dict else "datum"


def _operand(node: Any, key: int, wrapped: str = "datum array") -> Iterator[Piece]:
    """What is before a dot or beside an operator: literals get `r.expr()` around."""
    if _literal_kind(node) not in wrapped:
        yield node, key
        return
    yield "r.expr("
    yield node, key
    yield ")"


def _items(items: Iterable[tuple[str, int | str, Any]]) -> Iterator[Piece]:
    """Nodes with commas between them. Each comes with a prefix and its step."""
    separator = ""
    for prefix, key, node in items:
        yield separator + prefix
        yield node, key
        separator = ", "


def _arguments(term: PrintableTerm, skip: int = 0) -> Iterator[Piece]:
    """The positional arguments without the first `skip` ones, and the options."""
    positional = [("", key, node) for key, node in enumerate(term._nodes)]
    options = [(f"{name}=", name, node) for name, node in term._optargs.items()]
    return _items([*positional[skip:], *options])


def _array(nodes: Iterable[Any]) -> Iterator[Piece]:
    yield "["
    yield from _items(("", key, node) for key, node in enumerate(nodes))
    yield "]"


def _object(fields: Mapping[str, Any]) -> Iterator[Piece]:
    yield "r.expr({"
    yield from _items((f"{key!r}: ", key, node) for key, node in fields.items())
    yield "})"


def _scalar(node: Any) -> Any:
    """The value of a scalar, or of the term of one."""
    return node._nodes[0] if hasattr(node, "_prints") else node


# --- styles --------------------------------------------------------------------------------------


def datum(term: PrintableTerm) -> Iterator[Piece]:
    """`1`, `'a'`, `None`"""
    yield repr(term._nodes[0])


def array(term: PrintableTerm) -> Iterator[Piece]:
    """`[a, b]`"""
    return _array(term._nodes)


def mapping(term: PrintableTerm) -> Iterator[Piece]:
    """`r.expr({'key': value})`"""
    return _object(term._optargs)


def method(term: PrintableTerm) -> Iterator[Piece]:
    """`subject.name(args, option=value)`"""
    if not term._nodes:
        yield from top_level(term)
        return
    yield from _operand(term._nodes[0], 0)
    yield f".{term.statement}("
    yield from _arguments(term, skip=1)
    yield ")"


def top_level(term: PrintableTerm) -> Iterator[Piece]:
    """`r.name(args, option=value)`"""
    yield f"r.{term.statement}("
    yield from _arguments(term)
    yield ")"


def method_of_namespace(term: PrintableTerm) -> Iterator[Piece]:
    """`r.db('d').name(args)` when the first argument is a database or table, else `r.name(args)`"""
    first = term._nodes[0] if term._nodes else None
    style = method if getattr(first, "_is_namespace", False) else top_level
    return style(term)


def _operands(term: PrintableTerm, separator: str) -> Iterator[Piece]:
    for position, node in enumerate(term._nodes):
        if position:
            yield separator
        yield from _operand(node, position)


def infix(term: PrintableTerm) -> Iterator[Piece]:
    """`(a + b)`"""
    yield "("
    yield from _operands(term, f" {term._prints_as} ")
    yield ")"


def logical(term: PrintableTerm) -> Iterator[Piece]:
    """`r.and_(a, b)`, or `(a & b)` if it was written so"""
    if term._by_operator:
        yield from infix(term)
        return
    yield f"r.{term.statement}("
    yield from _operands(term, ", ")
    yield ")"


def invert(term: PrintableTerm) -> Iterator[Piece]:
    """`(~a)`"""
    yield "(~"
    for position, node in enumerate(term._nodes):
        yield from _operand(node, position, wrapped="datum")
    yield ")"


def bracket(term: PrintableTerm) -> Iterator[Piece]:
    """`a[b]`"""
    yield from _operand(term._nodes[0], 0)
    yield "["
    yield term._nodes[1], 1
    yield "]"


def part(term: PrintableTerm) -> Iterator[Piece]:
    """`a.slice(b, c)`, or `a[b:c]` if it was written so"""
    if not term._by_operator:
        yield from method(term)
        return
    yield from _operand(term._nodes[0], 0)
    yield "["
    yield term._nodes[1], 1
    yield ":"
    yield term._nodes[2], 2
    yield "]"


def constant(term: PrintableTerm) -> Iterator[Piece]:
    """`r.monday`"""
    yield f"r.{term.statement}"


def variable(term: PrintableTerm) -> Iterator[Piece]:
    """`var_1`"""
    yield f"var_{_scalar(term._nodes[0])}"


def function(term: PrintableTerm) -> Iterator[Piece]:
    """`lambda var_1, var_2: body`"""
    parameters, body = term._nodes
    numbers = parameters[1] if type(parameters) is list else map(_scalar, parameters._nodes)
    yield "lambda " + ", ".join(f"var_{number}" for number in numbers) + ": "
    yield body, 1


def funcall(term: PrintableTerm) -> Iterator[Piece]:
    """`a.do(function)` or `r.do(a, b, function)`; on the wire the function comes first."""
    body, *arguments = term._nodes
    if len(arguments) == 1:
        yield from _operand(arguments[0], 1, wrapped="datum")
        yield ".do("
    else:
        yield "r.do("
    if len(arguments) > 1:
        for position, node in enumerate(arguments, start=1):
            yield node, position
            yield ", "
    yield body, 0
    yield ")"


def binary(term: PrintableTerm) -> Iterator[Piece]:
    """`r.binary(term)`; the content of bytes is not printed."""
    return iter(("r.binary(bytes(<data>))",)) if type(term._nodes[0]) is dict else top_level(term)


def documents(term: Any) -> Iterator[Piece]:
    """The documents that were given, although they are sent as a text."""
    yield term._written(), None
