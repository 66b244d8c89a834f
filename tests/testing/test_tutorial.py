"""The page "Test your application": its files are written down, and its tests are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs/howto/testing.md"

_FILE = re.compile(r"^<!-- not run: file (\S+) -->\n```python\n(.*?)^```$", re.M | re.S)

# The plugins that each test file needs, and how many of its tests pass.
FILES: dict[str, tuple[tuple[str, ...], int]] = {
    "test_scores.py": ((), 2),
    "test_board.py": ((), 1),
    "test_lasting.py": ((), 1),
    "test_time.py": ((), 1),
    "test_board_asyncio.py": (("pytest_asyncio.plugin",), 1),
    "test_board_trio.py": (("pytest_trio.plugin",), 1),
    "test_board_anyio.py": (("anyio.pytest_plugin",), 2),
    "test_board_tornado.py": ((), 1),
    "test_board_twisted.py": (("pytest_twisted",), 1),
    "test_board_gevent.py": ((), 1),
}
LIBRARIES = {"trio", "tornado", "twisted", "gevent", "anyio"}


def files() -> Iterator[tuple[str, str]]:
    for found in _FILE.finditer(PAGE.read_text("utf-8")):
        yield found[1], found[2]


def test_each_test_of_the_page_is_tried() -> None:
    assert {name for name, _ in files() if name.startswith("test_")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_page(name: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins, passed = FILES[name]
    loop = name.removesuffix(".py").rpartition("_")[2]
    for library in (*plugins, *({loop} & LIBRARIES)):
        pytest.importorskip(library.partition(".")[0])
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for file, text in files():
        (pytester.path / file).write_text(text, "utf-8")
    arguments = [name, "-p", "rethinkdb.testing.plugin"]
    for plugin in plugins:
        arguments += ["-p", plugin]
    if "pytest_asyncio.plugin" in plugins:
        arguments += ["-o", "asyncio_default_fixture_loop_scope=function"]
    # A reactor runs once in a process.
    elsewhere = "pytest_twisted" in plugins
    run = pytester.runpytest_subprocess if elsewhere else pytester.runpytest_inprocess
    run(*arguments).assert_outcomes(passed=passed)
