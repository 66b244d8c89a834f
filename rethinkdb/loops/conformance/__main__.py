"""`python -m rethinkdb.loops.conformance asyncio`: see `rethinkdb.testing.conformance`."""

import runpy

runpy.run_module("rethinkdb.testing.conformance", run_name="__main__")
