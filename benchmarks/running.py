"""Processes: the server, the incumbent's environment, one process per measurement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rethinkdb import loops
from rethinkdb.errors import ReqlLoopTypeError

from .works import LOOPS, Task

__all__ = ["Runner", "available_loops", "embedded_server", "incumbent_python"]

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "benchmarks" / "worker" / "__main__.py"
REQUIREMENTS = ROOT / "benchmarks" / "incumbent.txt"
INCUMBENT = ROOT / ".venv-incumbent"

# For one measurement: the incumbent's slowest takes some 20 seconds at the default sizes.
TIMEOUT = 600


def available_loops() -> list[str]:
    """The loops that this driver has here, and the bench knows how to run."""
    return [name for name in LOOPS if _is_available(name)]


def _is_available(name: str) -> bool:
    if name == "uvloop":
        return find_spec("uvloop") is not None
    try:
        loops.load(name)
    except (ImportError, ReqlLoopTypeError):  # its library is not installed
        return False
    return True


def incumbent_python() -> str:
    """The interpreter of an environment that holds the incumbent; made when it is missing.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.
    """
    python = str(INCUMBENT / ("Scripts" if os.name == "nt" else "bin") / "python")
    ready = INCUMBENT / "ready"
    if not ready.exists() or ready.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        print(f"Installing the incumbent into {INCUMBENT} ...", file=sys.stderr)
        venv.create(INCUMBENT, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
        subprocess.run(install, check=True)
        ready.touch()
    return python


@contextmanager
def embedded_server() -> Iterator[tuple[str, int]]:
    """An embedded server in a process of its own: its host and port."""
    command = [sys.executable, "-m", "rethinkdb", "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        host, _, port = line.split()[-1].rpartition(":") if line else ("", "", "")
        if not port:
            raise RuntimeError("The embedded server did not start.")
        yield host, int(port)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Runner:
    """Runs tasks and keeps what they measured.

    Attributes:
        pythons: driver name to interpreter; a driver that is not in it is left out.
        profiles: a directory for cProfile's statistics of each task; measures nothing useful then.
        results: what each round of a task measured.
        notes: why a task has no results.
    """

    host: str
    port: int
    pythons: dict[str, str]
    profiles: Path | None = None
    results: dict[Task, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[Task, str] = field(default_factory=dict)

    def rounds(self, tasks: Iterable[Task], count: int, progress: Callable[[str], None]) -> None:
        """Measure all tasks once, then all again, so that a busy minute hits no driver alone."""
        plan = [task for task in dict.fromkeys(tasks) if task.driver in self.pythons]
        for number in range(1, count + 1):
            for done, task in enumerate(plan):
                progress(f"round {number}/{count}, {done}/{len(plan)}: {' '.join(task[:3])}")
                if task not in self.notes:
                    self.measure(task)

    def measure(self, task: Task) -> dict[str, Any]:
        """Run one task once, in a fresh process."""
        command = [self.pythons[task.driver], *self._profiling(task), str(WORKER)]
        given = (*task[:3], self.host, self.port, *task[3:])
        command += [str(value) for value in given]
        # The incumbent's process must not see this tree: `import rethinkdb` would find it.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if task.driver == "ours":
            env["PYTHONPATH"] = str(ROOT)
        result = self._outcome(command, env)
        if "unsupported" in result:
            self.notes[task] = result["unsupported"]
        else:
            self.results.setdefault(task, []).append(result)
        return result

    def _profiling(self, task: Task) -> list[str]:
        if self.profiles is None:
            return []
        name = "-".join([task.driver, task.loop, task.does, *(["dated"] if task.dated else [])])
        return ["-m", "cProfile", "-o", str(self.profiles / f"{name}.prof")]

    def _outcome(self, command: list[str], env: dict[str, str]) -> dict[str, Any]:
        try:
            process = subprocess.run(
                command, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return {"unsupported": f"not done after {TIMEOUT} seconds"}
        if process.returncode == 0:
            outcome: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
            return outcome
        lines = [line for line in process.stderr.splitlines() if line.strip(" |+-")]
        return {"unsupported": f"fails: {lines[-1].strip(' |') if lines else 'no message'}"}
