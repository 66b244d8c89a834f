"""What every test of the language starts from."""

from __future__ import annotations

import pytest

from rethinkdb import converters


@pytest.fixture(autouse=True)
def no_converters(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no converters, and no encoders: other tests make some, for the whole process."""
    for name, value in vars(converters.State()).items():
        monkeypatch.setattr(converters.state, name, value)
