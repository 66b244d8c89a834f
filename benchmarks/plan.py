"""What to run for works and growth curves: groups that take turns, tables with documents enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .turns import Group
from .works import TABLES, WORKS, Task, Work

__all__ = ["GROWTHS", "Growth", "growth_groups", "needed_documents", "sizes", "work_groups"]


@dataclass(frozen=True)
class Growth:
    """A curve: the cost per item of one work as something grows."""

    name: str
    title: str
    work: Work
    sizes: tuple[int, ...]
    loops: tuple[str, ...]
    grows: str  # "items" or "spread"

    def at(self, size: int) -> tuple[Work, int]:
        """The work to run for one point of the curve, and its number of items."""
        if self.grows == "items":
            return self.work, size
        # Each of the queries or feeds should have something to do.
        return replace(self.work, spread=size), max(size, 3000)


GROWTHS: tuple[Growth, ...] = (
    Growth(
        "documents",
        "documents in a scan",
        # Small ones, of which a million are quickly made and fit anywhere.
        WORKS["scan-for-small"],
        (1_000, 10_000, 100_000, 1_000_000),
        ("blocking", "asyncio"),
        "items",
    ),
    Growth(
        "in-flight",
        "queries in flight on one connection",
        WORKS["get-64"],
        (1, 10, 100, 1_000, 10_000),
        ("asyncio", "twisted"),
        "spread",
    ),
    Growth(
        "feeds",
        "open feeds on one connection",
        replace(WORKS["feed"], does="feeds", floor="feeds"),
        (1, 10, 100, 1_000),
        ("asyncio", "twisted"),
        "spread",
    ),
)


def work_groups(works: Iterable[Work], loops: Sequence[str], base: int) -> list[Group]:
    """A group for each loop of each work, with the works that are compared with it.

    What several works have in common, such as a floor, is measured once.
    """
    families: dict[str, list[Work]] = {}
    for work in works:
        families.setdefault(work.beside or work.name, []).append(work)
    groups, planned = [], set[Task]()
    for family in families.values():
        for loop in loops:
            tasks = [t for w in family if loop in w.loops for t in w.tasks(loop, w.items(base))]
            new = [task for task in dict.fromkeys(tasks) if task not in planned]
            planned.update(new)
            if new:
                groups.append(Group(new, family[0].turns, family[0].starts, family[0].once))
    return groups


def growth_groups(
    growths: Iterable[Growth], loops: Sequence[str], base: int, planned: Iterable[Group] = ()
) -> list[Group]:
    """A group for each point and loop, of what is not in the groups that are planned already."""
    known = {task for group in planned for task in group.tasks}
    found = []
    for growth in growths:
        for size in sizes(growth, base):
            work, items = growth.at(size)
            for loop in (loop for loop in loops if loop in growth.loops):
                if new := [task for task in work.tasks(loop, items) if task not in known]:
                    found.append(Group(new))
    return found


def sizes(growth: Growth, base: int) -> list[int]:
    """A small bench does not grow large either: ten times its documents are the end."""
    return [size for size in growth.sizes if size <= 10 * base]


def needed_documents(works: Sequence[Work], growths: Sequence[Growth], base: int) -> dict[str, int]:
    """How many documents each table needs."""
    needed = dict.fromkeys(TABLES, 1)
    grown = [growth.at(size) for growth in growths for size in sizes(growth, base)]
    for work, items in [*((work, work.items(base)) for work in works), *grown]:
        needed[work.table] = max(needed[work.table], items)
    return needed
