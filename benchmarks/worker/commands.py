"""The commands `rethinkdb-dump` and `rethinkdb-restore`, as programs of their own."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from job import DB, Job
from queries import r

__all__ = ["dump", "restore"]

TOOLS_DB = f"{DB}_tools"  # which they have for themselves
TABLE = "documents"

RUN = "import sys; from importlib import import_module as i; sys.exit(i(sys.argv[1]).main(argv={}))"


def dump(job: Job, conn: Any) -> None:
    with filled(job, conn) as archive, metered(job):
        run(job, archive, "_dump", "-e", TOOLS_DB, "-f", str(archive))


def restore(job: Job, conn: Any) -> None:
    with filled(job, conn) as archive:
        run(job, archive, "_dump", "-e", TOOLS_DB, "-f", str(archive))
        r.db(TOOLS_DB).table_drop(TABLE).run(conn)
        with metered(job):
            run(job, archive, "_restore", str(archive))
        job.check(r.db(TOOLS_DB).table(TABLE).count().run(conn))


@contextmanager
def filled(job: Job, conn: Any) -> Iterator[Path]:
    """A table of so many documents, and the name of an archive that is to be."""
    if TOOLS_DB in r.db_list().run(conn):
        r.db_drop(TOOLS_DB).run(conn)
    r.db_create(TOOLS_DB).run(conn)
    r.db(TOOLS_DB).table_create(TABLE).run(conn)
    documents = r.db(DB).table(job.table).limit(job.items)
    r.db(TOOLS_DB).table(TABLE).insert(documents, durability="soft").run(conn)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "archive.tar.gz"
    r.db_drop(TOOLS_DB).run(conn)


@contextmanager
def metered(job: Job) -> Iterator[None]:
    """Measures the body: CPU of the processes that it starts, and wall time."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    job.result = {"items": job.items, "cpu": cpu, "wall": time.perf_counter() - wall}


def run(job: Job, archive: Path, module: str, *words: str) -> None:
    words = ("-c", f"{job.host}:{job.port}", "-q", *words)
    code = RUN.format(list(words))
    command = [sys.executable, "-c", code, f"rethinkdb.{module}"]
    # Elsewhere than here, where `import rethinkdb` finds this driver.
    subprocess.run(command, check=True, cwd=archive.parent)
