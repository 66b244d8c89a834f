"""`python -m rethinkdb.testing.conformance asyncio tornado`: tries built-in loops."""

from __future__ import annotations

import sys

from rethinkdb.loops import load

from . import check
from .drivers import DRIVERS


def main(names: list[str]) -> int:
    """Try the loops named, all built-in ones if none is; 1 if one of them failed."""
    passed = True
    for name in names or DRIVERS:
        print(f"== {name}", file=sys.stderr)
        report = check(DRIVERS[name](), load(name))
        print(report)
        passed = passed and report.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
