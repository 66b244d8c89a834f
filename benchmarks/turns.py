"""Workers that take turns: the clients of a row are measured one right after the other.

This machine, like most, is faster in one minute than in the next. So the clients that are compared
with each other are started together, and wait. Then each of them measures a little, in turn, and
all of them again. What else the machine does hits neighbours alike: a ratio is of neighbours.
"""

from __future__ import annotations

import json
import pstats
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from .running import ROOT, WORKER, environment
from .works import Task

__all__ = ["Group", "Runner", "Turn", "Worker", "summarize"]

# For one turn: the slowest take some 20 seconds at the default sizes.
TIMEOUT = 200

#: Lines of a profile's summary.
PROFILE_LINES = 15

Result = dict[str, Any]


class Group(NamedTuple):
    """Tasks that take turns with each other.

    Attributes:
        turns: how often each worker measures.
        starts: how often that is done, with new workers each time.
        once: whether that is done in the first round only.
    """

    tasks: Sequence[Task]
    turns: int = 1
    starts: int = 1
    once: bool = False


class Turn(NamedTuple):
    """When something was measured. Tasks of one group that have the same turn were neighbours."""

    round: int
    start: int
    number: int


class Worker:
    """One process of `worker/`: it measures once for each line that it is given."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115  # closed by `end`
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=env, stdin=pipe, stdout=pipe, stderr=self._errors, text=True
        )
        self._late = False

    def told(self) -> Result:
        """What it says next: nothing when it is ready, then what each turn measured."""
        assert self._process.stdout is not None
        timer = threading.Timer(TIMEOUT, self._give_up)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if line:
            said: Result = json.loads(line)
            return said
        self._process.wait()
        return {"unsupported": self._fault()}

    def turn(self) -> Result:
        """Have it measure once."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and `told` says why
            print(file=self._process.stdin, flush=True)
        return self.told()

    def end(self) -> Result:
        """Let it end: nothing, or why it did not end well."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(TIMEOUT)
        except BrokenPipeError:
            self._process.wait()
        except subprocess.TimeoutExpired:
            self._give_up()
            self._process.wait()
        return {"unsupported": self._fault()} if self._process.returncode else {}

    def kill(self) -> None:
        """Leave nothing of it."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                with suppress(BrokenPipeError):  # something was still to be written
                    file.close()

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _fault(self) -> str:
        if self._late:
            return f"not done after {TIMEOUT} seconds"
        self._errors.seek(0)
        lines = [line for line in self._errors.read().splitlines() if line.strip(" |+-")]
        return f"fails: {lines[-1].strip(' |') if lines else 'no message'}"


@dataclass
class Runner:
    """Runs tasks and keeps what they measured.

    Attributes:
        pythons: driver name to interpreter; a driver that is not in it is left out.
        tls: the port on which TLS is spoken, and the certificate to trust.
        profiles: a directory for cProfile's statistics of each task; measures nothing useful then.
        results: what each task measured in each of its turns.
        notes: why a task has no results.
    """

    host: str
    port: int
    pythons: dict[str, str]
    profiles: Path | None = None
    tls: tuple[str, str] = ("", "")
    results: dict[Task, dict[Turn, Result]] = field(default_factory=dict)
    notes: dict[Task, str] = field(default_factory=dict)

    def rounds(self, groups: Sequence[Group], count: int, progress: Callable[[str], None]) -> None:
        """Measure all groups, then all again: a busy minute hits no group alone."""
        for number in range(count):
            for done, group in enumerate(groups):
                words = " ".join(group.tasks[0][1:3])
                progress(f"round {number + 1}/{count}, {done}/{len(groups)}: {words}")
                for start in range(0 if group.once and number else group.starts):
                    self._take_turns(group, Turn(number, start, 0))

    def measure(self, task: Task) -> Result:
        """Run one task once, and keep nothing."""
        with self._started([task]) as workers:
            return self._said(task, workers[task].turn())

    def _take_turns(self, group: Group, first: Turn) -> None:
        tasks = [task for task in group.tasks if task.driver in self.pythons]
        with self._started([task for task in tasks if task not in self.notes]) as workers:
            for number in range(group.turns):
                turn = first._replace(number=number)
                # Forth and back: who comes first must not matter.
                order = [*workers][:: -1 if sum(turn) % 2 else 1]
                for task in [task for task in order if task not in self.notes]:
                    result = self._said(task, workers[task].turn())
                    if "unsupported" not in result:
                        self.results.setdefault(task, {})[turn] = result
                    if number == group.turns - 1:
                        self._said(task, workers[task].end())

    @contextmanager
    def _started(self, tasks: Sequence[Task]) -> Iterator[dict[Task, Worker]]:
        """A worker for each of the tasks, when all are ready."""
        workers = {task: Worker(*self._command(task)) for task in tasks}
        try:
            for task, worker in workers.items():
                self._said(task, worker.told())
            yield workers
        finally:
            for worker in workers.values():
                worker.kill()
            if self.profiles is not None:
                for profile in filter(Path.exists, map(self._profile, tasks)):
                    summarize(profile)

    def _said(self, task: Task, result: Result) -> Result:
        if "unsupported" in result:
            self.notes[task] = result["unsupported"]
        return result

    def _command(self, task: Task) -> tuple[list[str], dict[str, str]]:
        """What runs a task, and its environment."""
        profile = self.profiles and self._profile(task)
        profiling = ["-m", "cProfile", "-o", str(profile)] if profile else []
        port, *trusted = self.tls if task.tls else (self.port,)
        given = (*task[:3], self.host, port, *task[3:6], *trusted)
        env = environment()
        if task.driver == "ours":
            env["PYTHONPATH"] = str(ROOT)
        return [self.pythons[task.driver], *profiling, str(WORKER), *map(str, given)], env

    def _profile(self, task: Task) -> Path:
        assert self.profiles is not None
        spread = [str(task.spread)] if task.spread > 1 else []
        tls = ["tls"] if task.tls else []
        name = "-".join([task.driver, task.loop, task.does, task.table, *spread, *tls])
        return self.profiles / f"{name}.prof"


def summarize(profile: Path) -> None:
    """Beside a profile, what took longest in it, as text."""
    with profile.with_suffix(".txt").open("w") as file:
        stats = pstats.Stats(str(profile), stream=file)
        stats.strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)
