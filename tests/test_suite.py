"""Rules that the tests themselves keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

FILES = sorted(Path(__file__).parent.rglob("*.py"))


def test_no_test_depends_on_the_speed_of_the_machine() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_limits_of_hypothesis_are_stated_once(path: Path) -> None:
    if path.name in ("conftest.py", Path(__file__).name):
        return
    stated = r"settings\([^)]*(deadline|suppress_health_check)|register_profile|load_profile"
    assert not re.search(stated, path.read_text("utf-8"))
