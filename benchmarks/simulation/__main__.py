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

from . import cluster_report, report
from .clusters import CLUSTERS, ClusterRun
from .scenarios import SCENARIOS, Run

ALL = {**SCENARIOS, **CLUSTERS}

DOCS = Path(__file__).resolve().parents[2] / "docs" / "topics"


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", metavar="SCENARIO", choices=ALL, default=[*ALL])
    add("--clients", type=int, help="how many (default: as the scenario says)")
    add("--hours", type=float, help="how long (default: as the scenario says)")
    add("--seed", type=int, default=1, help="of chance (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    add("--write-docs", action="store_true", help="write docs/topics/pool-simulation.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    args = arguments(given)
    results = [simulated(name, args) for name in args.only if name in SCENARIOS]
    clusters = [simulated(name, args) for name in args.only if name in CLUSTERS]
    if results:
        report.show(results, report.table(results))
    if clusters:
        report.show(clusters, cluster_report.rows(clusters))
    if args.json:
        args.json.write_text(json.dumps(results + clusters, indent=1) + "\n")
    if args.write_docs and results:
        write_docs("pool", report, results, DOCS)
    if args.write_docs and clusters:
        write_docs("cluster", cluster_report, clusters, DOCS)
    return 0


def simulated(name: str, args: argparse.Namespace) -> report.Figures:
    """The figures of one scenario."""
    changes: dict[str, Any] = {
        key: value for key in ("clients", "hours") if (value := getattr(args, key)) is not None
    }
    scenario = replace(ALL[name], **changes)
    if name in CLUSTERS:
        run = ClusterRun(scenario, args.seed)
        run.go()
        return cluster_report.figures(run)
    return report.figures(Run(scenario, args.seed).go())


def write_docs(name: str, reporter: Any, results: Sequence[report.Figures], docs: Path) -> None:
    """A page and its drawings."""
    (docs / f"{name}-simulation.md").write_text(reporter.markdown(results))
    for drawing, text in reporter.charts_of(results).items():
        (docs / drawing).write_text(text)


if __name__ == "__main__":
    logging.getLogger("rethinkdb.pool").setLevel(logging.CRITICAL)  # they would fill the screen
    sys.exit(main())
