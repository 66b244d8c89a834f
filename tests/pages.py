"""Pages of the documentation as programs.

    python -m tests.pages docs/howto/asyncio.md 0 28015

runs the Python code of a page: the blocks up to the first `<!-- new process -->` are part 0, and so
on. The blocks of a part run in order, in one namespace, against the server on that port. What a
block prints must be what an `output` block below it shows; `...` there stands for anything.

A `console` block holds commands, each behind `$ `, and what they print. They run in this process,
in a new directory, and find the server by RETHINKDB_URL. Beside those of this package there is
`cat`.
`<!-- not run: why -->` above a block leaves it out.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
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
    """A block of Python code, or of commands, of a page.

    Attributes:
        line: where the code begins.
        code: its text.
        output: what it must print; None: whatever it likes.
        commands: it is a session of commands, with what they print.
    """

    line: int
    code: str
    output: str | None = None
    commands: bool = False


def parts_of(page: Path) -> list[list[Block]]:
    """The blocks that are run, by the process they share."""
    parts: list[list[Block]] = [[]]
    skipped = False
    text = page.read_text()
    for piece in _PIECE.finditer(text):
        remark, language = piece["remark"], piece["language"]
        if remark == "new process":
            parts.append([])
        elif language in ("python", "console") and not skipped:
            line = text.count("\n", 0, piece.start("text"))
            parts[-1].append(Block(line, piece["text"], commands=language == "console"))
        elif language == "output":
            parts[-1][-1].output = piece["text"]
        skipped = remark == "not run"
    return parts


def run(page: Path, part: int, port: str) -> Iterator[str]:
    """Runs a part of a page; yields what is wrong with what it printed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    os.environ["RETHINKDB_URL"] = f"localhost:{port}"
    if any(block.commands for block in parts_of(page)[part]):
        os.chdir(tempfile.mkdtemp())
    for block in parts_of(page)[part]:
        if block.commands:
            yield from run_session(page, block)
            continue
        printed = io.StringIO()
        code = "\n" * block.line + block.code.replace(DEFAULT_PORT, port)
        with contextlib.redirect_stdout(printed), _ended_well():
            exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
        if block.output is not None and not matches(block.output, printed.getvalue()):
            yield f"{page}:{block.line + 1} printed\n{printed.getvalue()}, not\n{block.output}"


def run_session(page: Path, block: Block) -> Iterator[str]:
    """Runs the commands of a block; yields what is wrong with what they printed."""
    for step in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, expected = step.partition("\n")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            run_command(shlex.split(command))
        if not matches(expected, printed.getvalue()):
            yield f"{page}: $ {command}\nprinted\n{printed.getvalue()}, not\n{expected}"


def run_command(words: list[str]) -> None:
    from rethinkdb.cli import main, scripts

    name, *arguments = words
    if name == "cat":
        print(Path(arguments[0]).read_text().rstrip())
    elif name == "reql":
        main(arguments)
    else:
        script = name.removeprefix("rethinkdb-").replace("-", "_")
        getattr(scripts, "import_" if script == "import" else script)(arguments)


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
