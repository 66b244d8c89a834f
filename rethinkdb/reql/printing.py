"""How terms print: as the Python text that makes them, in errors and in `str(query)`.

A `Printer` walks through a term and its arguments once. It writes the text, and takes down where in
the text the part is that an error of the server points to. Each command has a style, a function of
this module, that tells how its terms print.

Arguments and options are nodes: other terms, scalars, or plain data as it is sent, which holds no
term (`[MAKE_ARRAY, [item, ...]]`, `{key: value}`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

__all__ = ["Path", "PrintableTerm", "Printer", "Style"]

# The steps from a node to the part to mark: () if the node is that part, None if it is elsewhere.
Path: TypeAlias = "tuple[int | str, ...] | None"


class PrintableTerm(Protocol):
    """A term, as printing sees it."""

    _name: ClassVar[str]
    _prints: ClassVar[Style]
    _prints_as: ClassVar[str]
    _args: Any
    _optargs: dict[str, Any]


Style: TypeAlias = "Callable[[Printer, Any, Path], None]"


def _step(path: Path, key: int | str) -> Path:
    return path[1:] if path and path[0] == key else None


class Printer:
    """Collects the text of a query.

    Attributes:
        span: the start and end, in the text, of the part to mark.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.span: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """The text written so far."""
        return "".join(self._parts)

    def write(self, text: str) -> None:
        """Appends text."""
        self._parts.append(text)
        self._length += len(text)

    def node(self, node: Any, path: Path) -> None:
        """Appends a term, scalar, or plain data."""
        start = self._length
        prints = getattr(node, "_prints", None)
        if prints is not None:
            prints(self, node, path)
        elif type(node) is list:
            self.array(node[1], path)
        elif type(node) is dict:
            self.object(node, path)
        else:
            self.write(repr(node))
        if path == ():
            self.span = (start, self._length)

    def operand(self, node: Any, path: Path, wrapped: str = "datum array") -> None:
        """Appends what is before a dot or beside an operator: literals get `r.expr()` around."""
        if _literal_kind(node) not in wrapped:
            self.node(node, path)
            return
        self.write("r.expr(")
        self.node(node, path)
        self.write(")")

    def items(self, items: Iterable[tuple[str, int | str, Any]], path: Path) -> None:
        """Appends nodes with commas between them. Each comes with a prefix and its step."""
        separator = ""
        for prefix, key, node in items:
            self.write(separator + prefix)
            self.node(node, _step(path, key))
            separator = ", "

    def arguments(self, term: PrintableTerm, path: Path, skip: int = 0) -> None:
        """Appends the positional arguments without the first `skip` ones, and the options."""
        positional = [("", key, node) for key, node in enumerate(term._args)]
        options = [(f"{name}=", name, node) for name, node in term._optargs.items()]
        self.items([*positional[skip:], *options], path)

    def array(self, nodes: Iterable[Any], path: Path) -> None:
        """Appends an array."""
        self.write("[")
        self.items((("", key, node) for key, node in enumerate(nodes)), path)
        self.write("]")

    def object(self, fields: Mapping[str, Any], path: Path) -> None:
        """Appends an object."""
        self.write("r.expr({")
        self.items(((f"{key!r}: ", key, node) for key, node in fields.items()), path)
        self.write("})")


def _literal_kind(node: Any) -> str:
    """`datum`, `array`, or `-` for a node that never needs `r.expr()` around it."""
    if hasattr(node, "_prints"):
        return {datum: "datum", array: "array"}.get(node._prints, "-")
    if type(node) is list:
        return "array"
    return "-" if type(node) is dict else "datum"


# --- styles --------------------------------------------------------------------------------------


def datum(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`1`, `'a'`, `None`"""
    printer.write(repr(term._args[0]))


def array(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`[a, b]`"""
    printer.array(term._args, path)


def mapping(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.expr({'key': value})`"""
    printer.object(term._optargs, path)


def method(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`subject.name(args, option=value)`"""
    if not term._args:
        top_level(printer, term, path)
        return
    printer.operand(term._args[0], _step(path, 0))
    printer.write(f".{term._name}(")
    printer.arguments(term, path, skip=1)
    printer.write(")")


def top_level(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.name(args, option=value)`"""
    printer.write(f"r.{term._name}(")
    printer.arguments(term, path)
    printer.write(")")


def method_of_namespace(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.db('d').name(args)` when the first argument is a database or table, else `r.name(args)`"""
    first = term._args[0] if term._args else None
    style = method if getattr(first, "_is_namespace", False) else top_level
    style(printer, term, path)


def _operands(printer: Printer, term: PrintableTerm, path: Path, separator: str) -> None:
    for position, node in enumerate(term._args):
        if position:
            printer.write(separator)
        printer.operand(node, _step(path, position))


def infix(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`(a + b)`"""
    printer.write("(")
    _operands(printer, term, path, f" {term._prints_as} ")
    printer.write(")")


def logical(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.and_(a, b)`"""
    printer.write(f"r.{term._name}(")
    _operands(printer, term, path, ", ")
    printer.write(")")


def invert(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`(~a)`"""
    printer.write("(~")
    for position, node in enumerate(term._args):
        printer.operand(node, _step(path, position), wrapped="datum")
    printer.write(")")


def bracket(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`a[b]`"""
    printer.operand(term._args[0], _step(path, 0))
    printer.write("[")
    printer.node(term._args[1], _step(path, 1))
    printer.write("]")


def bracket_slice(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`a[b:c]`"""
    printer.operand(term._args[0], _step(path, 0))
    printer.write("[")
    printer.node(term._args[1], _step(path, 1))
    printer.write(":")
    printer.node(term._args[2], _step(path, 2))
    printer.write("]")


def constant(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.monday`"""
    printer.write(f"r.{term._name}")


def variable(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`var_1`"""
    printer.write(f"var_{term._args[0]}")


def function(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`lambda var_1, var_2: body`"""
    parameters, body = term._args
    printer.write("lambda " + ", ".join(f"var_{number}" for number in parameters[1]) + ": ")
    printer.node(body, _step(path, 1))


def funcall(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`a.do(function)` or `r.do(a, b, function)`; on the wire the function comes first."""
    body, *arguments = term._args
    if len(arguments) == 1:
        printer.operand(arguments[0], _step(path, 1), wrapped="datum")
        printer.write(".do(")
    else:
        printer.write("r.do(")
    if len(arguments) > 1:
        for position, node in enumerate(arguments, start=1):
            printer.node(node, _step(path, position))
            printer.write(", ")
    printer.node(body, _step(path, 0))
    printer.write(")")


def binary(printer: Printer, term: PrintableTerm, path: Path) -> None:
    """`r.binary(term)`; the content of bytes is not printed."""
    if type(term._args[0]) is dict:
        printer.write("r.binary(bytes(<data>))")
    else:
        top_level(printer, term, path)


def documents(printer: Printer, term: Any, path: Path) -> None:
    """The documents that were given, although they are sent as a text."""
    printer.node(term.written(), path)
