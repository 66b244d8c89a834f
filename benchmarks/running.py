"""What is needed to measure: servers, the official package's environment, the loops there are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from rethinkdb import loops
from rethinkdb.errors import ReqlLoopTypeError

from .works import LOOPS

__all__ = [
    "ROOT",
    "WORKER",
    "add_mocks",
    "available_loops",
    "compile_driver",
    "embedded_server",
    "environment",
    "official_python",
    "official_version",
    "serving",
    "tls_proxy",
]

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "benchmarks" / "worker" / "__main__.py"
REQUIREMENTS = ROOT / "benchmarks" / "official.txt"
OFFICIAL = ROOT / ".venv-official"
MOCKS_WANTED = ROOT / "benchmarks" / "mocks.txt"
MOCKS = ROOT / ".venv-mocks"


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
    with _unless_ready(OFFICIAL, REQUIREMENTS) as missing:
        if missing:
            venv.create(OFFICIAL, with_pip=True, clear=True)
            _install(python, REQUIREMENTS)
    return python


def add_mocks() -> None:
    """Make the mocks importable. They are installed when they are missing.

    Raises:
        subprocess.CalledProcessError: they cannot be installed.
    """
    with _unless_ready(MOCKS, MOCKS_WANTED) as missing:
        if missing:
            shutil.rmtree(MOCKS, ignore_errors=True)
            # A folder of their own, without what they require: that is the official package.
            _install(sys.executable, MOCKS_WANTED, "--no-deps", "--target", str(MOCKS))
    sys.path.append(str(MOCKS))


@contextmanager
def _unless_ready(folder: Path, requirements: Path) -> Iterator[bool]:
    """Whether a folder lacks what a file requires. After the block it has that."""
    ready, wanted = folder / "ready", requirements.read_text()
    if ready.exists() and ready.read_text() == wanted:
        yield False
        return
    print(f"Installing {requirements.name} into {folder} ...", file=sys.stderr)
    yield True
    ready.write_text(wanted)


def _install(python: str, requirements: Path, *options: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", *options]
    subprocess.run([*command, "--requirement", str(requirements)], check=True)


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
