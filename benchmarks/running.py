"""Processes: the server, the official package's environment, one process per measurement."""

from __future__ import annotations

import json
import os
import pstats
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rethinkdb import loops
from rethinkdb.errors import ReqlLoopTypeError

from .works import LOOPS, Task

__all__ = [
    "Runner",
    "available_loops",
    "compile_driver",
    "embedded_server",
    "official_python",
    "official_version",
    "serving",
    "summarize",
    "tls_proxy",
]

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "benchmarks" / "worker" / "__main__.py"
REQUIREMENTS = ROOT / "benchmarks" / "official.txt"
OFFICIAL = ROOT / ".venv-official"

# For one measurement: the slowest take some 20 seconds at the default sizes.
TIMEOUT = 120

#: Lines of a profile's summary.
PROFILE_LINES = 15


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


def official_python() -> str:
    """The interpreter of an environment that holds the official package; made when it is missing.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.
    """
    python = str(OFFICIAL / ("Scripts" if os.name == "nt" else "bin") / "python")
    ready, wanted = OFFICIAL / "ready", REQUIREMENTS.read_text()
    if not ready.exists() or ready.read_text() != wanted:
        print(f"Installing the official package into {OFFICIAL} ...", file=sys.stderr)
        venv.create(OFFICIAL, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
        subprocess.run(install, check=True)
        ready.write_text(wanted)
    return python


def official_version() -> str:
    """The version that the bench installs."""
    lines = REQUIREMENTS.read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("rethinkdb=="))


def compile_driver() -> None:
    """Bytecode of this driver, which the official package has had since its installation."""
    command = [sys.executable, "-m", "compileall", "-q", str(ROOT / "rethinkdb")]
    subprocess.run(command, check=True, env=environment())


def environment() -> dict[str, str]:
    """Of the processes that measure: importing uses bytecode, and finds what is installed."""
    # The official package's process must not see this tree: `import rethinkdb` would find it.
    hidden = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@contextmanager
def serving(module: str, *words: str) -> Iterator[str]:
    """Runs a module that serves, in a process of its own, until the block ends.

    Returns:
        The first line that it prints, which says where it listens.
    """
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line:
                raise RuntimeError(f"{' '.join(command)} did not start.")
            yield line
        finally:
            process.terminate()


@contextmanager
def embedded_server() -> Iterator[tuple[str, int]]:
    """An embedded server in a process of its own: its host and port."""
    with serving("rethinkdb", "serve", "--port", "0") as line:
        host, _, port = line.split()[-1].rpartition(":")
        yield host, int(port)


@contextmanager
def tls_proxy(host: str, port: int) -> Iterator[tuple[str, str]]:
    """The server's address behind TLS, in a process of its own: port, and whom to trust."""
    with TemporaryDirectory() as folder:
        trusted = str(Path(folder, "ca.pem"))
        with serving("benchmarks.encrypting", host, str(port), trusted) as place:
            yield place, trusted


@dataclass
class Runner:
    """Runs tasks and keeps what they measured.

    Attributes:
        pythons: driver name to interpreter; a driver that is not in it is left out.
        tls: the port on which TLS is spoken, and the certificate to trust.
        profiles: a directory for cProfile's statistics of each task; measures nothing useful then.
        results: what each round of a task measured.
        notes: why a task has no results.
    """

    host: str
    port: int
    pythons: dict[str, str]
    profiles: Path | None = None
    tls: tuple[str, str] = ("", "")
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
        profile = self._profile(task)
        profiling = ["-m", "cProfile", "-o", str(profile)] if profile else []
        command = [self.pythons[task.driver], *profiling, str(WORKER)]
        port, *trusted = self.tls if task.tls else (self.port,)
        given = (*task[:3], self.host, port, *task[3:6], *trusted)
        command += [str(value) for value in given]
        env = environment()
        if task.driver == "ours":
            env["PYTHONPATH"] = str(ROOT)
        result = self._outcome(command, env)
        if profile and profile.exists():
            summarize(profile)
        if "unsupported" in result:
            self.notes[task] = result["unsupported"]
        else:
            self.results.setdefault(task, []).append(result)
        return result

    def _profile(self, task: Task) -> Path | None:
        if self.profiles is None:
            return None
        spread = [str(task.spread)] if task.spread > 1 else []
        tls = ["tls"] if task.tls else []
        name = "-".join([task.driver, task.loop, task.does, task.table, *spread, *tls])
        return self.profiles / f"{name}.prof"

    def _outcome(self, command: list[str], env: dict[str, str]) -> dict[str, Any]:
        try:
            process = subprocess.run(
                command, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return {"unsupported": f"not done after {TIMEOUT} seconds"}
        if process.returncode == 0 and process.stdout:
            outcome: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
            return outcome
        lines = [line for line in process.stderr.splitlines() if line.strip(" |+-")]
        return {"unsupported": f"fails: {lines[-1].strip(' |') if lines else 'no message'}"}


def summarize(profile: Path) -> None:
    """Beside a profile, what took longest in it, as text."""
    with profile.with_suffix(".txt").open("w") as file:
        stats = pstats.Stats(str(profile), stream=file)
        stats.strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)
