"""How many instructions and function calls an item takes: figures that no other process disturbs.

    python -m benchmarks.instructions --only get feed --loops asyncio twisted

The client's worker runs under cachegrind, which counts the processor's instructions outside the
kernel, and under cProfile, which counts calls. The server is `scripted`: its replies are prepared.
Each figure is the difference of two runs, a short and a long one, per item. `--calls` counts calls
only: it needs no valgrind, and takes a tenth of the time.
"""

from __future__ import annotations

import argparse
import pstats
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .running import ROOT, WORKER, compile_driver, environment, serving
from .works import LOOPS, WORKS, Task

#: Items of the two runs.
SHORT, LONG = 128, 640

_CACHEGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no"]
_COUNTED = re.compile(r"I +refs: +([\d,]+)")


def run(prefix: list[str], task: Task, address: str) -> str:
    """Run one task; returns what its processes wrote to the standard error."""
    host, _, port = address.rpartition(":")
    given = (*task[:3], host, port, *task[3:6])
    environ = {**environment(), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [*prefix, str(WORKER), *map(str, given)]
    done = subprocess.run(
        command, env=environ, input="\n", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(task[:3])}: {done.stderr[-2000:]}")
    return done.stderr


def instructions(task: Task, address: str) -> int:
    """Of the whole process."""
    with TemporaryDirectory() as folder:
        output = f"--cachegrind-out-file={folder}/out"
        text = run([*_CACHEGRIND, output, sys.executable], task, address)
    found = _COUNTED.search(text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


def calls(task: Task, address: str) -> tuple[int, int]:
    """Of functions written in Python, and of others."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "profile")
        run([sys.executable, "-m", "cProfile", "-o", str(file)], task, address)
        stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]  # no stub has it
    python = sum(row[1] for place, row in stats.items() if place[0] != "~")
    return python, sum(row[1] for row in stats.values()) - python


def main() -> None:
    """Print a line for each work, loop and client."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    names = ("get", "get-64", "feed", "feed-burst")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=names)
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=LOOPS)
    parser.add_argument(
        "--drivers", nargs="+", choices=("floor", "ours"), default=("floor", "ours")
    )
    parser.add_argument("--calls", action="store_true", help="count calls only")
    args = parser.parse_args()
    print(f"{'work':12} {'loop':9} {'client':6} {'instructions':>12} {'python':>7} {'C':>7}  calls")
    compile_driver()
    with serving("benchmarks.scripted") as address:
        for work in (WORKS[name] for name in args.only):
            for loop in (loop for loop in args.loops if loop in work.loops):
                for driver in (who for who in args.drivers if who in work.drivers(loop)):
                    short, long = (work.task(driver, loop, items) for items in (SHORT, LONG))
                    # The first run writes bytecode, which would count as instructions.
                    called = zip(calls(long, address), calls(short, address), strict=True)
                    each = [(b - a) / (LONG - SHORT) for b, a in called]
                    counted = "–"
                    if not args.calls:
                        more = instructions(long, address) - instructions(short, address)
                        counted = f"{more / (LONG - SHORT):,.0f}"
                    line = f"{work.name:12} {loop:9} {driver:6} {counted:>12}"
                    print(line, *(f"{count:7.1f}" for count in each), flush=True)


if __name__ == "__main__":
    main()
