"""Documents with example programs: code blocks of Markdown, with what they print.

An example is a block of code that defines functions, up to a line that begins what it prints. The
first block of a section, which defines none, is the head of all its programs: imports and
connecting. Any other block that defines none says how the example before it is scheduled.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

OURS = HERE / "examples.md"
"""Programs of our own, of the same kind as those of the project's founding documents."""

SHARED = Path(os.environ.get("RETHINKDB_SHARED", HERE.parents[2] / "shared")) / "seeds"
"""Where those lie, if they are there."""

_BLOCK = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(r"^(?:# Output:?\n|(?=Traceback |Unhandled error))", re.MULTILINE)


@dataclass
class Example:
    """A program of a document.

    Attributes:
        loop: the loop type it is for.
        name: the last function or class it defines.
        head: the head of its section.
        code: its text.
        output: what it prints.
        schedule: how it is started, if the document says so.
    """

    loop: str
    name: str
    head: str
    code: str
    output: str
    schedule: str = ""


def examples_of(document: Path) -> list[Example]:
    """The examples of a document."""
    found: list[Example] = []
    for loop, section in _sections(document.read_text()):
        head = ""
        for block in _BLOCK.findall(section):
            code, _, output = _split(block)
            name = _last_definition(code)
            if name:
                found.append(Example(loop, name, head, code, output))
            elif not head:
                head = code
            else:
                found[-1].schedule = code
    return found


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for title in ("Tornado", "Twisted"):
        start = text.find(f"\n## {title}\n")
        if start >= 0:
            end = text.find("\n## ", start + 4)
            yield title.lower(), text[start : end if end >= 0 else len(text)]


def _split(block: str) -> tuple[str, str, str]:
    found = _OUTPUT.search(block)
    if found is None:
        return block, "", ""
    return block[: found.start()], found[0], block[found.end() :]


def _last_definition(code: str) -> str:
    # A last line that yields at the top stands for the inside of some coroutine.
    tree = ast.parse(code)
    kinds = (ast.FunctionDef, ast.ClassDef)
    return next((node.name for node in reversed(tree.body) if isinstance(node, kinds)), "")
