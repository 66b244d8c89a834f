"""Two packages in one directory, and the distribution that keeps them apart.

The official package is stood for by a wheel made here, with the file names that its releases have,
and as much in them as happens when it is imported. Nothing here needs the network.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import rethinkdb

ROOT = Path(__file__).resolve().parent.parent
SHIM = ROOT / "packaging" / "rethinkdb"
VERSION = rethinkdb.__version__
PATIENCE = 50

LOOPS = ("asyncio", "gevent", "tornado", "trio", "twisted")

OFFICIAL = {
    "rethinkdb/__init__.py": "from rethinkdb import errors, net\n",
    **dict.fromkeys(
        (
            *("rethinkdb/__main__.py", "rethinkdb/_dump.py", "rethinkdb/ast.py"),
            *("rethinkdb/errors.py", "rethinkdb/handshake.py", "rethinkdb/net.py"),
            *("rethinkdb/ql2_pb2.py", "rethinkdb/query.py", "rethinkdb/version.py"),
            *(f"rethinkdb/{loop}_net/__init__.py" for loop in LOOPS),
            *(f"rethinkdb/{loop}_net/net_{loop}.py" for loop in LOOPS),
        ),
        "",
    ),
}
"""Files of the official package."""

LIBRARY = {"library.py": "from rethinkdb import r\nquery = r.table('t').get(1)\n"}
"""One of those that require the official package."""


def wheel_of(
    directory: Path, name: str, version: str, files: Mapping[str, str], requires: str = ""
) -> Path:
    """Makes a wheel."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    contents = {
        **files,
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},{_digest(text)},{len(text)}" for path, text in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,\n"])
    made = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return made


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.decode().rstrip('=')}"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of wheels: the driver and the shim as they are built, and what stands for others.

    The `orjson` there is empty: the driver then uses the standard library's JSON.
    """
    directory = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, SHIM):
        build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory)
        run(*build, source)
    wheel_of(directory, "orjson", "3.99", {})
    wheel_of(directory, "library", "1.0", LIBRARY, "rethinkdb>=2.4.8")
    return directory


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a directory of its own, so that only who wants it gets it."""
    return wheel_of(tmp_path_factory.mktemp("official"), "rethinkdb", "2.4.10", OFFICIAL)


class Environment:
    """A virtual environment that knows the wheels and no package index."""

    def __init__(self, directory: Path, wheels: Path) -> None:
        venv.create(directory, with_pip=True)
        self._directory = directory
        self._scripts = directory / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = self._scripts / "python"
        self.variables = {
            **os.environ,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            # Python compiles what is imported; pip would compile all of it, which takes longer
            # than the rest of the installation.
            "PIP_NO_COMPILE": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_PRE": "1",
            "PIP_FIND_LINKS": str(wheels),
        }

    def run(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(*words, check=check, cwd=self._directory, env=self.variables)

    def pip(self, *words: str | Path) -> str:
        return self.run(self.python, "-m", "pip", *words).stdout

    def empty(self) -> None:
        self.pip("uninstall", "--yes", "rethinkdb", "rethinkdb-loops", "orjson", "library")
        for left in self._directory.rglob("site-packages/rethinkdb"):
            shutil.rmtree(left)

    def use(self, code: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a program; warnings are shown in full."""
        return self.run(self.python, "-c", code, check=check)

    def reql(self) -> subprocess.CompletedProcess[str]:
        return self.run(self._scripts / "reql", "--version", check=False)

    def do(self, explanation: str) -> None:
        """Types the commands that an explanation names."""
        commands = re.findall(r"^ {4}(\S.* -m pip .*)$", explanation, re.MULTILINE)
        assert len(commands) == 2
        for command in commands:
            self.run(*command.split())

    def assert_well(self) -> None:
        """The driver is whole, and nothing is to be said."""
        code = "import rethinkdb.net; from rethinkdb import r; print(r.table('t'))"
        done = self.run(self.python, "-W", "error", "-c", code)
        assert done.stdout == "r.table('t')\n"
        assert self.reql().stdout == f"rethinkdb-loops {VERSION}\n"


@pytest.fixture(scope="module")
def made_environment(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Environment:
    return Environment(tmp_path_factory.mktemp("venv"), wheels)


@pytest.fixture
def environment(made_environment: Environment) -> Environment:
    """An empty one. To make it takes longer than all that is done in it, so it is made once."""
    made_environment.empty()
    return made_environment


def run(
    *words: str | Path, check: bool = True, **options: object
) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        **options,  # type: ignore[call-overload]
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


# -- both in one directory


def test_the_other_package_installed_over_this_one(
    environment: Environment, official: Path
) -> None:
    environment.pip("install", "rethinkdb-loops")
    environment.pip("install", official)
    assert "No broken requirements" in environment.pip("check")  # hence this

    for code in ("import rethinkdb", "from rethinkdb import r", "import rethinkdb.errors"):
        failed = environment.use(code, check=False)
        assert failed.returncode == 1
        assert "ImportError: The official `rethinkdb` package was installed over" in failed.stderr
        assert str(environment.python) in failed.stderr

    environment.do(failed.stderr)
    environment.assert_well()


def test_this_package_installed_over_the_other_one(
    environment: Environment, official: Path
) -> None:
    environment.pip("install", official)
    environment.pip("install", "rethinkdb-loops")

    done = environment.use("import rethinkdb; print(rethinkdb.r.table('t'))")
    assert done.stdout == "r.table('t')\n"  # it works
    assert done.stderr.startswith("<string>:1: RuntimeWarning: The official `rethinkdb` package is")

    environment.do(done.stderr)
    environment.assert_well()


def test_the_other_package_removed_after_that(environment: Environment, official: Path) -> None:
    """It takes its files along, those that were overwritten too."""
    environment.pip("install", official)
    environment.pip("install", "rethinkdb-loops")
    environment.pip("uninstall", "--yes", "rethinkdb")

    failed = environment.use("import rethinkdb.net", check=False)
    assert "ImportError: The official `rethinkdb` package was installed over" in failed.stderr
    command = environment.reql()
    assert command.returncode == 1
    assert command.stderr.startswith("reql: The official `rethinkdb` package was installed over")
    assert "Traceback" not in command.stderr

    environment.do(command.stderr)
    environment.assert_well()


# -- the shim


def test_the_shim_is_in_step_with_the_driver(wheels: Path) -> None:
    with zipfile.ZipFile(wheels / f"rethinkdb-{VERSION}-py3-none-any.whl") as archive:
        names = archive.namelist()
        metadata = archive.read(f"rethinkdb-{VERSION}.dist-info/METADATA").decode()
    assert all(".dist-info/" in name for name in names)  # no code
    assert f"\nVersion: {VERSION}\n" in metadata
    assert re.findall(r"^Requires-Dist: (.*)$", metadata, re.M) == [f"rethinkdb-loops>={VERSION}"]
    assert "\nClassifier: Private :: Do Not Upload\n" in metadata


def test_a_library_is_content_with_the_shim(environment: Environment) -> None:
    environment.pip("install", "rethinkdb")  # the only one that it can find is the shim
    installed = environment.pip("install", "library==1.0")
    assert "Successfully installed library-1.0" in installed
    assert "No broken requirements" in environment.pip("check")
    assert environment.use("import library; print(library.query)").stdout == "r.table('t').get(1)\n"
    environment.assert_well()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_shim_replaces_the_other_package(
    environment: Environment, official: Path, wheels: Path
) -> None:
    """Under the version that a library insists on."""
    environment.pip("install", official)
    wheel_of(wheels, "library", "2.0", LIBRARY, "rethinkdb==2.4.9")

    places = [
        f"PYTHON={sys.executable}",
        f"INTO={environment.python}",
        "SHIM=" + str(wheels / "made"),
    ]
    run(
        *("make", "-C", ROOT, "shim", *places, "SHIM_VERSION=2.4.9"),
        # What it builds with is here. (For pip this 0 means: no isolation.)
        env={**environment.variables, "PIP_NO_BUILD_ISOLATION": "0"},
    )

    environment.pip("install", "library==2.0")
    listed = environment.pip("list", "--format", "freeze")
    assert "\nrethinkdb==2.4.9" in listed
    assert "No broken requirements" in environment.pip("check")
    environment.assert_well()
