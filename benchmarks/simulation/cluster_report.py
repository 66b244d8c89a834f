"""Figures of the simulations of clusters, as a table and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from string import Template
from typing import Any

from . import charts
from .charts import Axis
from .clusters import BEFORE, DEATH, ClusterRun
from .report import table_of
from .servers import Fault

__all__ = ["charts_of", "figures", "markdown", "rows"]

PAGE = Path(__file__).with_name("cluster_page.md")

Figures = dict[str, Any]

# The drawings show so many seconds after a host went.
SHOWN = 300.0


def figures(run: ClusterRun) -> Figures:
    """What came out."""
    records, scenario = run.records, run.scenario
    times = [records.recovery(outage) for outage in records.outages]
    back = [seconds for seconds in times if seconds is not None]
    again, lost = records.again.total(), records.lost.total()
    hours = range(int(scenario.hours))
    return {
        "scenario": scenario.title,
        "clients": scenario.clients,
        "hosts": scenario.hosts,
        "hours": scenario.hours,
        "outages": len(records.outages),
        "queries": records.queries,
        "cut_off": again + lost,
        "again": again,
        "again_part": 100 * again / max(1, records.queries),
        "lost": lost,
        "failed": records.failures,
        "dials": records.dials.total(),
        "logins": records.logins.total(),
        "dials_peak": max(records.by_second.values(), default=0),
        "logins_peak": max(records.logins_by_second.values(), default=0),
        "busiest": median(busiest(run, hour) for hour in hours),
        "back_half": median(back) if back else None,
        "back_most": max(back, default=None),
        "not_back": len(times) - len(back),
        "one_death": one_death(run),
        "again_by_hour": [
            (hour, 100 * records.again[hour] / max(1, records.asked_by_hour[hour]))
            for hour in hours
        ],
        "seconds": run.seconds,
        "events": run.timeline.happened,
    }


def busiest(run: ClusterRun, hour: int) -> float:
    """How much more the busiest host answers in an hour than its fair share."""
    answers = [run.records.answers[hour, address] for address in run.servers]
    return max(answers) * len(answers) / max(1, sum(answers))


def one_death(run: ClusterRun) -> dict[str, Any]:
    """The first host whose process dies: its connections, and dials to it."""
    records = run.records
    sort = {failure.down_at: failure for failure in run.failures}
    outage = next(
        (
            outage
            for outage in records.outages
            if sort[outage.down_at].fault is Fault.RESTART and outage.seconds == DEATH
        ),
        records.outages[0],
    )
    begin = int(outage.down_at)
    seconds = range(-int(BEFORE), int(SHOWN))
    return {
        "here": [(load.since, load.here) for load in records.loads[outage] if load.since < SHOWN],
        "dials": [(second, records.by_second[outage.host, begin + second]) for second in seconds],
    }


# What the table says: the name of a figure, and how it is written.
ROWS: tuple[tuple[str, str, str], ...] = (
    ("outages", "{:,}", "times that a host was away"),
    ("queries", "{:,}", "queries"),
    ("cut_off", "{:,}", "queries that were under way on a link that was lost"),
    ("again", "{:,}", "of these: run again"),
    ("again_part", "{:.2f} %", "run again, of all queries"),
    ("lost", "{:,}", "told of the loss: writes, and reads that were tried four times"),
    ("failed", "{:,}", "queries that got no connection in 10 s"),
    ("dials", "{:,}", "dials (attempts to connect)"),
    ("logins", "{:,}", "logins (connections opened)"),
    ("dials_peak", "{:,}", "most dials to one host in one second"),
    ("logins_peak", "{:,}", "most logins of one host in one second"),
    ("busiest", "{:.2f}", "load of the busiest host in an hour, in fair shares, median"),
    ("back_half", "{:.0f} s", "until a host that is back has half its share again, median"),
    ("back_most", "{:.0f} s", "the same, at the longest"),
    ("not_back", "{:,}", "times that it had not, after five minutes"),
    ("seconds", "{:.0f} s", "the simulation took, of one core"),
)


def rows(results: Sequence[Figures]) -> list[list[str]]:
    """A row for each figure, a column for each run."""
    return [
        [title, *("–" if r[name] is None else form.format(r[name]) for r in results)]
        for name, form, title in ROWS
    ]


def charts_of(results: Sequence[Figures]) -> dict[str, str]:
    """The drawings, by the names of their files."""
    here = {r["scenario"]: r["one_death"]["here"] for r in results}
    dials = {r["scenario"]: r["one_death"]["dials"] for r in results}
    again = {r["scenario"]: r["again_by_hour"] for r in results}
    since = "seconds since the host went; it is back after 120"
    return {
        "cluster-connections.svg": charts.curves(
            "Connections to a host that dies",
            Axis(since, -BEFORE, SHOWN),
            Axis("connections", 0, charts.high(_heights(here), 10)),
            here,
        ),
        "cluster-dials.svg": charts.curves(
            "Dials to a host that dies",
            Axis(since, -BEFORE, SHOWN),
            Axis("dials in a second", 0, charts.high(_heights(dials), 10)),
            dials,
        ),
        "cluster-retries.svg": charts.points(
            "Queries that are run again",
            Axis("hour of the day", 0, max(1, results[0]["hours"])),
            Axis("of 100; the budget is 10", 0, 10),
            again,
        ),
    }


def _heights(series: dict[str, list[tuple[float, float]]]) -> list[float]:
    return [height for places in series.values() for _, height in places]


def markdown(results: Sequence[Figures]) -> str:
    """The page."""
    first = results[0]
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        clients=f"{first['clients']:,}",
        hours=f"{first['hours']:g}",
        events=f"{sum(r['events'] for r in results):,}",
        seconds=f"{sum(r['seconds'] for r in results):.0f}",
        failed=f"{sum(r['failed'] for r in results):,}",
        queries=f"{sum(r['queries'] for r in results):,}",
        figures=table_of(["", *(r["scenario"] for r in results)], rows(results)),
    )
    return page.rstrip() + "\n"
