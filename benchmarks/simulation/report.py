"""Figures of a simulation, as a table and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, median
from string import Template
from typing import Any

from . import charts
from .charts import Axis
from .records import PARTS, Outage
from .scenarios import Run

__all__ = ["charts_of", "figures", "markdown", "show", "table", "table_of"]

PAGE = Path(__file__).with_name("page.md")

#: The results of one run: figures by their names, and what the drawings are made from.
Figures = dict[str, Any]

# The drawings show so many seconds from when the server is back; and, of restarts, one that takes
# about so many.
SHOWN, TYPICAL = 15, 20.0


def figures(run: Run) -> Figures:
    """What came out."""
    records, outages = run.records, run.records.outages
    after = [peak(outage.logins, since=0) for outage in outages]
    times = [sorted(outage.connected.values()) for outage in outages if outage.connected]
    return {
        "scenario": run.scenario.title,
        "clients": run.scenario.clients,
        "hosts": run.scenario.hosts,
        "hours": run.scenario.hours,
        "outages": len(outages),
        "queries": records.queries,
        "dials": records.dials.total(),
        "logins": records.logins.total(),
        "dials_peak_down": max((peak(o.dials, until=0) for o in outages), default=0),
        "dials_peak_up": max((peak(o.dials, since=0) for o in outages), default=0),
        "logins_peak": max(after, default=0),
        "connected_half": mean(median(t) for t in times) if times else None,
        "connected_all": max((t[-1] for t in times), default=None),
        "not_connected": sum(run.scenario.clients - len(o.connected) for o in outages),
        "asked_down": sum(o.asked for o in outages),
        "timed_out": sum(o.timed_out for o in outages),
        "refused": sum(o.refused for o in outages),
        "asked_up": sum(o.asked_after for o in outages),
        "failed_up": sum(o.failed_after for o in outages),
        "longest_up": max((o.longest_after for o in outages), default=0.0),
        "by_outage": [_of_outage(o) for o in outages],
        "one_restart": _one(outages),
        "connected_after": connected_after(outages, run.scenario.clients),
        "seconds": run.seconds,
        "events": run.timeline.happened,
    }


def _of_outage(outage: Outage) -> dict[str, Any]:
    return {
        "seconds": outage.seconds,
        "asked": outage.asked,
        "timed_out": outage.timed_out + outage.refused,
        "failed_after": outage.failed_after,
    }


def peak(counts: Counter[int], since: float = -1e9, until: float = 1e9) -> int:
    """The most within one second, from a time to a time."""
    seconds: Counter[int] = Counter()
    for part, count in counts.items():
        if since * PARTS <= part < until * PARTS:
            seconds[part // PARTS] += count
    return max(seconds.values(), default=0)


def _one(outages: Sequence[Outage]) -> dict[str, Any]:
    """A restart of about `TYPICAL` seconds: how many dials there were in each tenth of one."""
    outage = min(outages, key=lambda outage: abs(outage.seconds - TYPICAL))
    parts = range(-int(TYPICAL + 2) * PARTS, SHOWN * PARTS)
    return {
        "seconds": outage.seconds,
        "dials": [(part / PARTS, outage.dials[part]) for part in parts],
    }


def connected_after(outages: Sequence[Outage], clients: int) -> list[tuple[float, float]]:
    """How many clients in a hundred have a connection, so long after the server is back."""
    times = [seconds for outage in outages for seconds in outage.connected.values()]
    every = max(1, clients * len(outages))
    steps = [step / PARTS for step in range(SHOWN * PARTS + 1)]
    return [(step, 100 * sum(seconds <= step for seconds in times) / every) for step in steps]


# Showing

# What the tables say: the name of a figure, and how it is written.
ROWS: tuple[tuple[str, str, str], ...] = (
    ("outages", "{:,}", "restarts"),
    ("queries", "{:,}", "queries"),
    ("dials", "{:,}", "dials (attempts to connect)"),
    ("logins", "{:,}", "logins (connections opened)"),
    ("dials_peak_down", "{:,}", "most dials in one second, while the server is away"),
    ("dials_peak_up", "{:,}", "most dials in one second, when it is back"),
    ("logins_peak", "{:,}", "most logins in one second, when it is back"),
    ("connected_half", "{:.1f} s", "until half of the clients have a connection, on the average"),
    ("connected_all", "{:.1f} s", "until all clients have one, at the longest"),
    ("asked_down", "{:,}", "queries asked while it was away"),
    ("timed_out", "{:,}", "of these: failed, after 10 s without a connection"),
    ("asked_up", "{:,}", "queries asked when it was back"),
    ("failed_up", "{:,}", "of these: failed"),
    ("longest_up", "{:.1f} s", "the longest wait of one of these for a connection"),
    ("seconds", "{:.0f} s", "the simulation took, of one core"),
)


def table(results: Sequence[Figures]) -> list[list[str]]:
    """A row for each figure, a column for each run."""
    return [
        [title, *("–" if r[name] is None else form.format(r[name]) for r in results)]
        for name, form, title in ROWS
    ]


def show(results: Sequence[Figures], rows: Iterable[Sequence[str]]) -> None:
    """Print the figures."""
    for title, *cells in [["", *(r["scenario"] for r in results)], *rows]:
        print("  ".join([title.ljust(72), *(cell.rjust(30) for cell in cells)]))


def charts_of(results: Sequence[Figures]) -> dict[str, str]:
    """The drawings, by the names of their files."""
    names = ["as it is", "without jitter"]
    dials = {name: r["one_restart"]["dials"] for name, r in zip(names, results, strict=False)}
    connected = {name: r["connected_after"] for name, r in zip(names, results, strict=False)}
    failed = [
        (o["seconds"], 100 * o["timed_out"] / max(1, o["asked"])) for o in results[0]["by_outage"]
    ]
    most = charts.high([y for series in dials.values() for _, y in series], 100)
    since = "seconds since the server is back"
    return {
        "pool-dials.svg": charts.curves(
            f"Dials around one restart, of {results[0]['one_restart']['seconds']:.0f} seconds",
            Axis(since, -(TYPICAL + 2), SHOWN),
            Axis("dials in a tenth of a second", 0, most),
            dials,
        ),
        "pool-connected.svg": charts.curves(
            "Clients that have a connection",
            Axis(since, 0, SHOWN),
            Axis("of 100, mean over all restarts", 0, 100),
            connected,
        ),
        "pool-failed.svg": charts.points(
            "Queries asked while the server is away that fail",
            Axis("seconds that it is away", 0, 60),
            Axis("of 100", 0, 100),
            {"one restart": failed},
        ),
    }


def markdown(results: Sequence[Figures]) -> str:
    """The page."""
    first = results[0]
    headers = ["", "as it is", "without jitter"]
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        clients=f"{first['clients']:,}",
        hours=f"{first['hours']:g}",
        outages=first["outages"],
        events=f"{first['events']:,}",
        seconds=f"{first['seconds']:.0f}",
        asked_up=f"{first['asked_up']:,}",
        failed_up=f"{first['failed_up']:,}",
        figures=table_of(headers[: len(results) + 1], table(results)),
    )
    return page.rstrip() + "\n"


def table_of(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of a page."""
    rule = ["---", *["---:"] * (len(headers) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headers, rule, *rows))
