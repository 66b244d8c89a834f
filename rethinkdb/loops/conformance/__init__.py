"""Old place of `rethinkdb.testing.conformance`: other packages import the suite from here."""

from rethinkdb.testing.conformance import *  # noqa: F403
from rethinkdb.testing.conformance import __all__ as __all__
