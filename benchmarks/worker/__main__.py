"""One client of one work, in a process of its own.

    python benchmarks/worker DRIVER LOOP WORK HOST PORT ITEMS SPREAD TABLE [TRUSTED]

prints `{}` when it is ready. Then it measures once for each line that it reads, and prints what: a
line of JSON with items, CPU seconds, wall seconds, KiB at the peak beside what is kept; or why it
cannot be done. DRIVER is floor, ours or official; the interpreter and PYTHONPATH decide which
`rethinkdb` there is to import. With TRUSTED, a file of certificates, connections use TLS.
"""

from __future__ import annotations

import sys
import time

# Only what the interpreter has loaded anyway stands above: `import rethinkdb` is measured, too.


def imported() -> None:
    import rethinkdb  # noqa: F401


def imported_query() -> None:
    from rethinkdb import r

    r.table("heroes").get(1).run  # noqa: B018


IMPORTS = {"imported": imported, "imported_query": imported_query}


# The modules that measure, by whether it is the floor, and by loop.
FAMILIES = {
    (False, "blocking"): "values",
    (False, "gevent"): "values",
    (True, "blocking"): "blocking_floor",
    (True, "gevent"): "gevent_floor",
}
OTHERS = {False: "awaitables", True: "awaitable_floors"}

LOOP_LIBRARIES = {"asyncio", "gevent", "tornado", "trio", "twisted", "uvloop"}


def measure_import(work: str) -> dict[str, object]:
    wall, cpu = time.perf_counter(), time.process_time()
    IMPORTS[work]()
    return {
        "items": 1,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "loop_libraries": len(LOOP_LIBRARIES.intersection(sys.modules)),
    }


def measure(driver: str, loop: str, work: str, *arguments: str) -> None:
    from importlib import import_module

    from job import Job, Unsupported

    host, port, items, spread, table, *trusted = arguments
    job = Job(driver, loop, host, int(port), int(items), int(spread), table)
    job.trusted = trusted[0] if trusted else None
    family = import_module(FAMILIES.get((driver == "floor", loop), OTHERS[driver == "floor"]))
    try:
        family.measure(work, job)
    except Unsupported as exc:
        tell({"unsupported": str(exc)})


def tell(result: dict[str, object]) -> None:
    import json

    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    if sys.argv[3] in IMPORTS:
        print("{}", flush=True)
        sys.stdin.readline()
        tell(measure_import(sys.argv[3]))
    else:
        measure(*sys.argv[1:])
