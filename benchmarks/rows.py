"""From measurements to rows: medians per item, and ratios of neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from . import aims
from .plan import Growth
from .turns import Group, Runner, Turn
from .works import DRIVERS, WORKS, Task, Work

__all__ = ["complete_rounds", "growth_row", "work_rows"]

Row = dict[str, Any]
Values = dict[Turn, float]


def complete_rounds(runner: Runner, groups: Iterable[Group]) -> int:
    """How many rounds all have: fewer than were asked for, if somebody has interrupted them."""
    tasks = [task for group in groups if not group.once for task in group.tasks]
    found = [
        runner.results.get(task, {})
        for task in tasks
        if task.driver in runner.pythons and task not in runner.notes
    ]
    return min((len({turn.round for turn in turns}) for turns in found), default=0)


def work_rows(
    runner: Runner, works: Sequence[Work], loops: Sequence[str], base: int, batch: dict[str, Any]
) -> list[Row]:
    """One row per work and loop: medians per item, their ratios, and how the aims were met."""
    rows = [
        {**_work_row(runner, work, loop, base), **_batches(work, batch)}
        for work in works
        for loop in loops
        if loop in work.loops
    ]
    for row in rows:
        row["batches"] = _ratio(row["ours"], row["batch"])
    aims.judge(rows)
    return rows


def _batches(work: Work, batch: dict[str, Any]) -> Row:
    judged = work.field == "peak"
    return (
        {"batch": batch.get("batch"), "raw_batch": batch.get("raw")} if judged else {"batch": None}
    )


def _work_row(runner: Runner, work: Work, loop: str, base: int) -> Row:
    tasks = {driver: work.task(driver, loop, work.items(base)) for driver in DRIVERS}
    row: Row = {"work": work.name, "title": work.title, "loop": loop}
    row |= {"unit": work.unit, "field": work.field}
    values = {driver: per_item(runner, task, work) for driver, task in tasks.items()}
    walls = {driver: _walls(runner, task, work) for driver, task in tasks.items()}
    for driver in DRIVERS:
        row[driver] = _middle(values[driver])
        row[f"{driver}_range"] = _range(values[driver])
        row[f"{driver}_wall"] = _middle(walls[driver])
    loaded = [
        result.get("loop_libraries") for result in runner.results.get(tasks["ours"], {}).values()
    ]
    row["loop_libraries"] = max(filter(None.__ne__, loaded), default=None)
    # Of memory, a floor holds next to nothing: no ratio says anything.
    timed = work.field == "cpu"
    row["over_floor"] = _ratio_in_turns(values["ours"], values["floor"]) if timed else None
    row["over_official"] = _ratio_in_turns(values["official"], values["ours"])
    row["wall_over_official"] = _ratio_in_turns(walls["official"], walls["ours"])
    row |= _beside(runner, work, loop, base, values)
    row["notes"] = {d: runner.notes[task] for d, task in tasks.items() if task in runner.notes}
    return row


def _beside(runner: Runner, work: Work, loop: str, base: int, values: dict[str, Values]) -> Row:
    """What it costs beside the plain work of the same kind.

    Over TLS that is without what TLS costs itself: what the floor takes more with it than without.
    """
    row: Row = {"over_connection": None, "over_plain": None}
    if work.beside is None or work.field == "peak":
        return row
    plain = WORKS[work.beside]
    ours, floor = (
        per_item(runner, plain.task(driver, loop, plain.items(base)), plain)
        for driver in ("ours", "floor")
    )
    if not work.tls:
        return {**row, "over_connection": _ratio_in_turns(values["ours"], ours)}
    encrypted = values["floor"]
    without = {
        turn: value - (encrypted[turn] - floor[turn])
        for turn, value in values["ours"].items()
        if turn in encrypted and turn in floor
    }
    return {**row, "over_plain": _ratio_in_turns(without, ours)}


def per_item(runner: Runner, task: Task, work: Work) -> Values:
    """What each turn of a task measured."""
    field, found = work.field, runner.results.get(task, {})
    if field == "peak":
        # Memory is of the whole scan: it should not grow with the items. And memory that an
        # earlier turn has left would hide it.
        return {
            turn: result[field] * work.scale
            for turn, result in found.items()
            if field in result and turn.number == 0
        }
    return {
        turn: result[field] / result["items"] * work.scale
        for turn, result in found.items()
        if field in result
    }


def _walls(runner: Runner, task: Task, work: Work) -> Values:
    if work.field != "cpu":
        return {}
    found = runner.results.get(task, {}).items()
    return {turn: result["wall"] / result["items"] * work.scale for turn, result in found}


def _middle(values: Values) -> float | None:
    return median(values.values()) if values else None


def _range(values: Values) -> list[float] | None:
    return [min(values.values()), max(values.values())] if values else None


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _ratio_in_turns(above: Values, below: Values) -> float | None:
    """The median of the ratios of neighbours."""
    ratios = [above[turn] / below[turn] for turn in above if below.get(turn)]
    return median(ratios) if ratios else None


def growth_row(runner: Runner, growth: Growth, loops: Sequence[str], sizes: Sequence[int]) -> Row:
    """One curve per driver and loop: the cost per item at each size."""
    curves: dict[str, list[float | None]] = {}
    for size in sizes:
        work, items = growth.at(size)
        for loop in (loop for loop in loops if loop in growth.loops):
            for task in work.tasks(loop, items):
                points = curves.setdefault(f"{task.driver}, {loop}", [])
                points.append(_middle(per_item(runner, task, work)))
    curves = {name: points for name, points in curves.items() if any(points)}
    return {"name": growth.name, "title": growth.title, "sizes": list(sizes), "curves": curves}
