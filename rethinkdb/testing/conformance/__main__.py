"""`python -m rethinkdb.testing.conformance asyncio tornado`: tries built-in loops."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rethinkdb.loops import load

from . import check
from .drivers import DRIVERS


def main(words: Sequence[str] | None = None) -> int:
    """Checks the named loops, or all built-in ones if none is named.

    Args:
        words: the names of loops. None: those on the command line.

    Returns:
        The exit status: 0 all passed, 1 a loop failed or is not installed, 2 there is no such loop.
    """
    parser = argparse.ArgumentParser("python -m rethinkdb.testing.conformance")
    parser.add_argument(
        "loops", nargs="*", metavar="loop", help=f"{', '.join(DRIVERS)}; all if none is named"
    )
    names = parser.parse_args(words).loops
    for name in names:
        if name not in DRIVERS:
            parser.error(f"there is no loop {name!r}; choose from {', '.join(DRIVERS)}")
    passed = [_passes(name) for name in names or DRIVERS]
    return 0 if all(passed) else 1


def _passes(name: str) -> bool:
    print(f"== {name}", file=sys.stderr)
    try:
        connection_type = load(name)
    except ImportError as exc:  # it says what to install
        print(exc, file=sys.stderr)
        return False
    report = check(DRIVERS[name](), connection_type)
    print(report)
    return report.passed


if __name__ == "__main__":
    sys.exit(main())
