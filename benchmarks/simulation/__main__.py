"""The command line: `python -m benchmarks.simulation`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import report
from .scenarios import SCENARIOS, Run

DOCS = Path(__file__).resolve().parents[2] / "docs" / "topics"


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", metavar="SCENARIO", choices=SCENARIOS, default=[*SCENARIOS])
    add("--clients", type=int, help="how many (default: as the scenario says)")
    add("--hours", type=float, help="how long (default: as the scenario says)")
    add("--seed", type=int, default=1, help="of chance (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    add("--write-docs", action="store_true", help="write docs/topics/pool-simulation.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(given)
    results = [simulated(name, args) for name in args.only]
    report.show(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    if args.write_docs:
        write_docs(results, DOCS)
    return 0


def simulated(name: str, args: argparse.Namespace) -> report.Figures:
    """The figures of one scenario."""
    changes: dict[str, Any] = {
        key: value for key in ("clients", "hours") if (value := getattr(args, key)) is not None
    }
    return report.figures(Run(replace(SCENARIOS[name], **changes), args.seed).go())


def write_docs(results: Sequence[report.Figures], docs: Path) -> None:
    """The page and its drawings."""
    (docs / "pool-simulation.md").write_text(report.markdown(results))
    for name, drawing in report.charts_of(results).items():
        (docs / name).write_text(drawing)


if __name__ == "__main__":
    logging.getLogger("rethinkdb.pool").setLevel(logging.CRITICAL)  # they would fill the screen
    sys.exit(main())
