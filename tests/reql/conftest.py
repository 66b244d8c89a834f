"""What every test of the language starts from."""

from __future__ import annotations

import pytest

from rethinkdb import codec


@pytest.fixture(autouse=True)
def no_encoder_of_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign values are refused: other tests define encoders, which allows them in the process."""
    monkeypatch.setattr(codec, "_foreign_values", False)
