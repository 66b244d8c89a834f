"""Tables of queries and what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rethinkdb.errors import ReqlNonExistenceError, ReqlQueryLogicError

from .support import Failure

Cases = Mapping[str, tuple[Any, Any]]
"""By name: a term, and what it gives."""


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


def wrong(message: str, *frames: int | str) -> Failure:
    """The query makes no sense at this place."""
    return Failure(ReqlQueryLogicError, message, frames)


def missing(message: str, *frames: int | str) -> Failure:
    """Something is not there."""
    return Failure(ReqlNonExistenceError, message, frames)
