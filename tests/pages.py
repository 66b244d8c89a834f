"""Pages of the documentation as programs.

    python -m tests.pages docs/howto/asyncio.md 0 28015

runs the Python code of a page: the blocks up to the first `<!-- new process -->` are part 0, and so
on. The blocks of a part run in order, in one namespace, against the server on that port. What a
block prints must be what an `output` block below it shows; `...` there stands for anything.
`<!-- not run: why -->` above a block leaves it out.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_PORT = "28015"

_PIECE = re.compile(
    r"^<!-- (?P<remark>new process|not run)\b[^\n]*-->$|^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Block:
    """A block of Python code of a page.

    Attributes:
        line: where the code begins.
        code: its text.
        output: what it must print; None: whatever it likes.
    """

    line: int
    code: str
    output: str | None = None


def parts_of(page: Path) -> list[list[Block]]:
    """The blocks that are run, by the process they share."""
    parts: list[list[Block]] = [[]]
    skipped = False
    text = page.read_text()
    for piece in _PIECE.finditer(text):
        remark, language = piece["remark"], piece["language"]
        if remark == "new process":
            parts.append([])
        elif language == "python" and not skipped:
            line = text.count("\n", 0, piece.start("text"))
            parts[-1].append(Block(line, piece["text"]))
        elif language == "output":
            parts[-1][-1].output = piece["text"]
        skipped = remark == "not run"
    return parts


def run(page: Path, part: int, port: str) -> Iterator[str]:
    """Runs a part of a page; yields what is wrong with what it printed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in parts_of(page)[part]:
        printed = io.StringIO()
        code = "\n" * block.line + block.code.replace(DEFAULT_PORT, port)
        with contextlib.redirect_stdout(printed), _ended_well():
            exec(compile(code, str(page), "exec"), namespace)
        if block.output is not None and not matches(block.output, printed.getvalue()):
            yield f"{page}:{block.line + 1} printed\n{printed.getvalue()}, not\n{block.output}"


def matches(expected: str, printed: str) -> bool:
    """Whether a text is as expected: `...` is anything, blanks at ends of lines are nothing."""
    pattern = ".*".join(re.escape(part) for part in _stripped(expected).split("..."))
    return re.fullmatch(pattern, _stripped(printed), re.DOTALL) is not None


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@contextlib.contextmanager
def _ended_well() -> Iterator[None]:
    try:
        yield
    except SystemExit as end:  # Twisted's react() ends in one
        if end.code:
            raise


def main() -> int:
    """Runs what the command line names; the exit status is 1 if it printed other things."""
    path, part, port = sys.argv[1:]
    wrong = list(run(Path(path), int(part), port))
    print(*wrong, sep="\n", end="", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
