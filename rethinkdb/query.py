"""The functions and constants of `r`, under the name that programs know them by."""

from __future__ import annotations

from rethinkdb.reql.functions import *  # noqa: F403  # each name is stated there, once
from rethinkdb.reql.functions import __all__ as __all__
