"""Breaks text into lines of limited width, as a real server does when it prints functions.

The algorithm is Oppen's ("Prettyprinting", ACM TOPLAS 2, 1980). A text consists of strings, places
where a line may break, and nested parts. A nested part that fits into the line is printed without
breaks. Any other part breaks at each of its own places, and is indented to where it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the line may break: the text if it does not, and the start of the next line."""

    unbroken: str
    continued: str = ""


@dataclass(frozen=True, slots=True)
class NewLine:
    """The line always breaks here."""


@dataclass(frozen=True, slots=True)
class Nest:
    """A part that breaks, or does not, independently of the parts around it."""

    part: Document


Document: TypeAlias = "str | Break | NewLine | Nest | tuple[Document, ...]"


def width(document: Document) -> int:
    """How long a document is without any breaks."""
    if isinstance(document, str):
        return len(document)
    if isinstance(document, Break):
        return len(document.unbroken)
    if isinstance(document, Nest):
        return width(document.part)
    return 0 if isinstance(document, NewLine) else sum(map(width, document))


def render(document: Document, line_width: int) -> str:
    """The document as text."""
    printer = _Printer(line_width)
    printer.print(document)
    return "".join(printer.parts)


class _Printer:
    def __init__(self, line_width: int) -> None:
        self.parts: list[str] = []
        self._line_width = line_width
        self._right_edge = line_width
        """In terms of `_position`: where the line would be full if nothing more were broken."""
        self._position = 0
        """How long the text so far would be without breaks."""
        self._column = 0
        self._fitting = 0
        """How many of the nested parts around here fit into the line."""
        self._indents: list[int] = [0]

    def print(self, document: Document) -> None:
        if isinstance(document, str):
            self._position += len(document)
            self._write(document)
        elif isinstance(document, Break):
            self._break(document)
        elif isinstance(document, NewLine):
            self._new_line("")
        elif isinstance(document, Nest):
            self._nest(document)
        else:
            for part in document:
                self.print(part)

    def _write(self, text: str) -> None:
        self.parts.append(text)
        self._column += len(text)

    def _break(self, place: Break) -> None:
        self._position += len(place.unbroken)
        if self._fitting:
            self._write(place.unbroken)
        else:
            self._new_line(place.continued)

    def _new_line(self, start: str) -> None:
        self.parts.append("\n" + " " * self._indents[-1] + start)
        self._column = self._indents[-1] + len(start)
        self._fitting = 0
        self._right_edge = self._line_width - self._column + self._position

    def _nest(self, nest: Nest) -> None:
        self._indents.append(self._column)
        fits = self._position + width(nest.part) <= self._right_edge
        self._fitting = self._fitting + 1 if self._fitting or fits else 0
        self.print(nest.part)
        self._fitting -= bool(self._fitting)
        self._indents.pop()
