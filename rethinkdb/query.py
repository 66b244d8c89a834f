"""The functions and constants of `r`, under the name by which programs know them."""

from __future__ import annotations

from rethinkdb.reql.functions import *  # noqa: F403
from rethinkdb.reql.functions import __all__ as __all__
